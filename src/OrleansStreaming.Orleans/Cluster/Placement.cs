using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Where partitions belong: spread evenly, and so that few of them move when a silo comes or goes. Every silo computes the
/// same from the same names.
/// </summary>
/// <remarks>Highest random weight (Thaler and Ravishankar, 1998), with a bound on the load of each silo.</remarks>
internal static class Placement
{
    /// <param name="silos">The names of those that take partitions, sorted.</param>
    /// <param name="partitions">How many there are, in the order of declaration.</param>
    /// <returns>The silo of each; empty when there are none.</returns>
    public static IReadOnlyList<string> Place(IReadOnlyList<string> silos, int partitions)
    {
        if (silos.Count == 0)
        {
            return [];
        }

        ulong[] seeds = [.. silos.Select(s => KeyHash.Compute(System.Text.Encoding.UTF8.GetBytes(s)))];
        int[] load = new int[silos.Count];
        int most = (partitions + silos.Count - 1) / silos.Count;
        string[] placed = new string[partitions];
        for (int partition = 0; partition < partitions; partition++)
        {
            int best = -1;
            ulong bestWeight = 0;
            for (int i = 0; i < seeds.Length; i++)
            {
                ulong weight = Mix(seeds[i] ^ ((ulong)(partition + 1) * 0x9E3779B97F4A7C15));
                if (load[i] < most && (best < 0 || weight > bestWeight))
                {
                    best = i;
                    bestWeight = weight;
                }
            }

            load[best]++;
            placed[partition] = silos[best];
        }

        return placed;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
