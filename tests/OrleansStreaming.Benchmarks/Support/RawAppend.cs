using System.Diagnostics;

namespace OrleansStreaming.Benchmarks;

/// <summary>The yardstick: appends to one file, flushed to disk every 4 MB.</summary>
internal static class RawAppend
{
    private const int FlushEvery = 4 << 20;

    /// <summary>How many appends of 100 bytes a second a FileStream does here.</summary>
    public static double Measure(string path, int appends)
    {
        byte[] bytes = new byte[100];
        new Random(1).NextBytes(bytes);
        long started = Stopwatch.GetTimestamp();
        using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 1 << 20 }))
        {
            int waiting = 0;
            for (int i = 0; i < appends; i++)
            {
                file.Write(bytes);
                if ((waiting += bytes.Length) >= FlushEvery)
                {
                    file.Flush(flushToDisk: true);
                    waiting = 0;
                }
            }

            file.Flush(flushToDisk: true);
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        File.Delete(path);
        return appends / seconds;
    }
}
