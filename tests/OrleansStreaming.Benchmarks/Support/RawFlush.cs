using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming.Benchmarks;

/// <summary>The yardstick of latency: how long the disk takes for a small write and a flush, one after the other, with nothing else going on.</summary>
/// <param name="P50Ms">The median.</param>
/// <param name="P99Ms">No event can be released faster more often than this.</param>
internal sealed record RawFlush(double P50Ms, double P99Ms)
{
    private const int Flushes = 2000, Bytes = 4 << 10, FileBytes = 16 << 20;

    /// <summary>Writes where the file has its blocks already, as a journal does.</summary>
    public static RawFlush Measure(string path)
    {
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, FileBytes))
        {
            RandomAccess.Write(file, new byte[FileBytes], 0);
            RandomAccess.FlushToDisk(file);
            byte[] bytes = new byte[Bytes];
            double[] times = new double[Flushes];
            for (int i = 0; i < Flushes; i++)
            {
                long started = Stopwatch.GetTimestamp();
                RandomAccess.Write(file, bytes, (long)i * Bytes % FileBytes);
                Native.Flush(file);
                times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }

            Array.Sort(times);
            File.Delete(path);
            return new RawFlush(Percentile.Of(times, 0.5), Percentile.Of(times, 0.99));
        }
    }
}
