using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>An event that knows when it should have been sent; 100 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct Stamped
{
    public long Key;
    public long Number;

    /// <summary>A timestamp of the stopwatch.</summary>
    public long Sent;

    public Ballast Rest;

    /// <summary>The event for the next operator.</summary>
    public readonly Stamped Rekeyed() => this with { Key = ((Key * 7919) + 1) & int.MaxValue };

    [InlineArray(19)]
    internal struct Ballast
    {
        private int _first;
    }
}

/// <summary>Counts, and passes on under another key.</summary>
internal sealed class Relay : OperatorGrain<long, Tally>, IConsume<Stamped>
{
    public ValueTask OnEvent(Stamped input, EventContext context)
    {
        State.Count++;
        context.Emit(Pipeline.StreamAfter(context.Stream), input.Rekeyed());
        return default;
    }
}

/// <summary>Notes how long every event took from when it should have been sent, and that it came once.</summary>
internal sealed class LatencySink(int events) : PositionedSink<Stamped>
{
    private readonly double[] _ms = new double[events];
    private readonly int[] _times = new int[events];

    /// <summary>Events that came never or more than once.</summary>
    public int Wrong => _times.Count(t => t != 1);

    /// <summary>The latencies behind the first events, sorted, in milliseconds.</summary>
    public double[] SortedMs(int skip) => [.. _ms.Skip(skip).Order()];

    protected override void Take(IReadOnlyList<SinkEvent<Stamped>> events)
    {
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < events.Count; i++)
        {
            Stamped value = events[i].Event;
            _ms[value.Number] = Stopwatch.GetElapsedTime(value.Sent, now).TotalMilliseconds;
            Interlocked.Increment(ref _times[value.Number]);
        }
    }
}
