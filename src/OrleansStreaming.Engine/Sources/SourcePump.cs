using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>Why a <see cref="SourcePump{TEvent}"/> stopped.</summary>
internal enum PumpStop
{
    /// <summary>A lane has gathered enough to be sent.</summary>
    Full,

    /// <summary>What has been gathered has waited long enough.</summary>
    Due,

    /// <summary>The input has nothing at the moment.</summary>
    Pause,

    /// <summary>The input has ended.</summary>
    End,
}

/// <summary>
/// Takes events from a source and gathers them by partition as long as nothing has to be waited for: an asynchronous method
/// would keep all that it works with in memory, and look it up again for every event.
/// </summary>
internal sealed class SourcePump<TEvent>(
    EventType<TEvent> type, IAsyncEnumerator<SourceEvent<TEvent>> events, IngestEncoder encoder, Lane[] lanes, TimeProvider time)
{
    /// <summary>What a partition gathers before it is sent, while the input does not pause.</summary>
    private const int BatchBytes = 60 << 10;

    /// <summary>How many events are read before the clock is looked at.</summary>
    private const int LookEvery = 64;

    /// <summary>What has been gathered waits no longer than this.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(2);

    private long _sent = time.GetTimestamp();
    private int _read;
    private bool _hasEvent;
    private bool _hasEnded;

    /// <summary>The lane to send after <see cref="PumpStop.Full"/>.</summary>
    public Lane? FullLane { get; private set; }

    /// <summary>At least one event has been taken.</summary>
    public bool HasTaken { get; private set; }

    /// <summary>What to wait for after <see cref="PumpStop.Pause"/>, and then to give to <see cref="Resume"/>.</summary>
    public ValueTask<bool> Next { get; private set; }

    /// <summary>All that was gathered has been sent.</summary>
    public void Sent() => _sent = time.GetTimestamp();

    /// <summary>The wait for <see cref="Next"/> is over.</summary>
    public void Resume(bool hasEvent)
    {
        _hasEvent = hasEvent;
        _hasEnded = !hasEvent;
    }

    /// <summary>Takes events until something is to be done.</summary>
    public PumpStop Run()
    {
        while (!_hasEnded)
        {
            if (!_hasEvent)
            {
                if (++_read % LookEvery == 0 && time.GetElapsedTime(_sent) > LongestWait)
                {
                    return PumpStop.Due;
                }

                ValueTask<bool> next = events.MoveNextAsync();
                if (!next.IsCompletedSuccessfully)
                {
                    Next = next;
                    return PumpStop.Pause;
                }

                if (!next.Result)
                {
                    break;
                }
            }

            _hasEvent = false;
            HasTaken = true;
            SourceEvent<TEvent> current = events.Current;
            Lane lane = encoder.Add(type, in current.Event, current.Position, lanes);
            if (lane.Gathered >= BatchBytes)
            {
                FullLane = lane;
                return PumpStop.Full;
            }
        }

        return PumpStop.End;
    }
}
