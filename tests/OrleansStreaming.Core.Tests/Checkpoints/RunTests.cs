using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core.Tests.Checkpoints;

public class RunTests
{
    /// <summary>Whatever is written and merged in whatever order and into whatever blocks: what is found is what was written last.</summary>
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 64, 1)]
    [InlineData(3, 64, 300)]
    [InlineData(4, 500, 2000)]
    [InlineData(5, 16_384, 262_144)]
    public async Task What_was_written_last_is_found(int seed, int blockBytes, int windowBytes)
    {
        var random = new Random(seed);
        var model = new RunModel(seed, new RunLimits(blockBytes, windowBytes));
        for (int i = 0; i < 40; i++)
        {
            await model.WriteAsync(random.Next(1, 60));
            if (random.Next(3) == 0)
            {
                int first = random.Next(model.Runs.Count);
                await model.MergeAsync(first, random.Next(1, model.Runs.Count - first + 1));
            }

            await model.CheckAsync();
        }

        await model.MergeAsync(0, model.Runs.Count);
        await model.CheckAsync();
    }

    [Fact]
    public void A_filter_denies_nothing_that_is_there_and_most_that_is_not()
    {
        foreach (int keys in new[] { 1, 7, 51, 500, 5000 })
        {
            byte[] lines = new byte[RunFilter.Lines(keys) * RunFilter.LineBytes];
            ulong Hash(int n) => KeyHash.Compute((ulong)n) >> 8; // As of one block: the upper bits are alike.
            for (int i = 0; i < keys; i++)
            {
                RunFilter.Add(lines, Hash(i));
            }

            Enumerable.Range(0, keys).Count(i => RunFilter.MayContain(lines, Hash(i))).ShouldBe(keys);
            int wrong = Enumerable.Range(keys, 10_000).Count(i => RunFilter.MayContain(lines, Hash(i)));
            wrong.ShouldBeLessThan(300, $"{keys} keys");
        }
    }

    [Fact]
    public void A_small_grain_takes_about_thirty_bytes_of_a_run_and_two_of_memory()
    {
        const int Grains = 100_000;
        var writer = new RunWriter(16 << 10, 256 << 10, 0);
        ulong[] hashes = [.. Enumerable.Range(0, Grains).Select(i => KeyHash.Compute((ulong)i)).Order()];
        for (int i = 0; i < Grains; i++)
        {
            writer.Add(1, hashes[i], BitConverter.GetBytes((long)i), EntryKind.Full, i * 17, new byte[16]);
            if (writer.HasPiece)
            {
                writer.TakePiece();
            }
        }

        writer.Finish();
        (writer.Length / (double)Grains).ShouldBeLessThan(32);
        (writer.ToRun("r").ResidentBytes / (double)Grains).ShouldBeLessThan(2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(50_000)]
    public void Copies_are_sorted_by_hash_then_key(int count)
    {
        var random = new Random(count);
        var buffer = new CaptureBuffer();
        var deltas = new DeltaLimits(new SiloOptions());
        var type = new RelayType { Definition = null! };
        for (int i = 0; i < count; i++)
        {
            // Of one partition, so only the lower bits differ; some equal, as those of long keys can be, and many where somebody looks for such keys.
            ulong hash = 0x4000_0000_0000_0000 + (ulong)(count <= 100 ? random.Next(2) : random.NextInt64(1L << 60));
            buffer.Add(type, new Grain(BitConverter.GetBytes(i), hash) { Position = 5 }, deltas);
        }

        CapturedEntry[] order = buffer.Sorter.Sort(buffer, buffer.Entries).ToArray();
        order.Select(e => BitConverter.ToInt32(buffer.KeyOf(e))).Order().ShouldBe(Enumerable.Range(0, count));
        for (int i = 1; i < count; i++)
        {
            bool ordered = order[i - 1].Hash < order[i].Hash
                || (order[i - 1].Hash == order[i].Hash && buffer.KeyOf(order[i - 1]).SequenceCompareTo(buffer.KeyOf(order[i])) < 0);
            ordered.ShouldBeTrue();
        }
    }
}
