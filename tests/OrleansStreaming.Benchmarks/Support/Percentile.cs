namespace OrleansStreaming.Benchmarks;

/// <summary>Percentiles of sorted values.</summary>
internal static class Percentile
{
    public static double Of(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
