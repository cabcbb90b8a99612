using System.Diagnostics;

namespace OrleansStreaming.Benchmarks;

/// <summary>What the whole process has used since a moment.</summary>
internal readonly struct ProcessMeter
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpu = Environment.CpuUsage.TotalTime;
    private readonly long _allocated = GC.GetTotalAllocatedBytes(precise: true);

    public ProcessMeter()
    {
    }

    public (double Seconds, double CpuSeconds, long Allocated) Read() =>
        (Stopwatch.GetElapsedTime(_started).TotalSeconds, (Environment.CpuUsage.TotalTime - _cpu).TotalSeconds, GC.GetTotalAllocatedBytes(precise: true) - _allocated);

    /// <summary>Waits until the process has hardly used a processor for some time: nothing is left to be done in the background.</summary>
    public static async Task WhenQuietAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        const double MostShare = 0.1;
        ProcessMeter meter;
        do
        {
            meter = new ProcessMeter();
            await Task.Delay(time, cancellationToken);
        }
        while (meter.Read() is var used && used.CpuSeconds > used.Seconds * MostShare);
    }
}
