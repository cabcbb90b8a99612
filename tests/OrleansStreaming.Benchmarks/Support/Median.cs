namespace OrleansStreaming.Benchmarks;

/// <summary>Medians of repetitions.</summary>
internal static class Median
{
    public static double Of<T>(IEnumerable<T> runs, Func<T, double> figure)
    {
        double[] sorted = [.. runs.Select(figure).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
