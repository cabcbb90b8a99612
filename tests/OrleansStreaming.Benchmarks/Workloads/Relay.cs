using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>An event that knows when it was where, as timestamps of the stopwatch; 100 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct Stamped
{
    public long Key;
    public long Number;

    /// <summary>When it should have been sent.</summary>
    public long Due;

    /// <summary>When it was.</summary>
    public long Sent;

    /// <summary>When the edge of the engine had read it.</summary>
    public long Published;

    /// <summary>When the last operator sent it on.</summary>
    public long Turned;

    public Ballast Rest;

    /// <summary>The event for the next operator.</summary>
    public readonly Stamped Rekeyed() => this with { Key = ((Key * 7919) + 1) & int.MaxValue, Turned = Stopwatch.GetTimestamp() };

    [InlineArray(13)]
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

/// <summary>Notes when every event was where, and that it came once.</summary>
internal sealed class LatencySink(int events) : PositionedSink<Stamped>
{
    private readonly Passage[] _passages = new Passage[events];
    private readonly int[] _times = new int[events];

    /// <summary>Events that came never or more than once.</summary>
    public int Wrong => _times.Count(t => t != 1);

    /// <summary>All events, by their numbers.</summary>
    public IReadOnlyList<Passage> Passages => _passages;

    protected override void Take(IReadOnlyList<SinkEvent<Stamped>> events)
    {
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < events.Count; i++)
        {
            Stamped value = events[i].Event;
            _passages[value.Number] = new Passage(value.Due, value.Sent, value.Published, value.Turned, now);
            Interlocked.Increment(ref _times[value.Number]);
        }
    }
}
