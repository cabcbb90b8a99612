using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// The parts of one request on their way to the silos. A silo gets all of its parts as one input, hence takes them in one
/// step and writes them with one flush; the caller is woken once, when all are answered. Used again, with its parts, for
/// later requests, once nobody knows of it any more.
/// </summary>
internal sealed class IngestRound
{
    private const int MaxSpare = 256;
    private static readonly ConcurrentQueue<IngestRound> Spare = new();
    private readonly Completion _answered = new(goesOnElsewhere: true);
    private readonly List<ISiloLink?> _owners = [];
    private IngestEncoder.Part[] _parts = [];
    private int _waiting;

    private IngestRound()
    {
    }

    /// <summary>The parts, each with what became of it. One without an owner is <see cref="IngestStatus.NotHere"/>.</summary>
    public ReadOnlySpan<IngestEncoder.Part> Parts => _parts.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>Whether all is durable.</summary>
    public bool IsDurable
    {
        get
        {
            foreach (IngestEncoder.Part part in Parts)
            {
                if (part.Result.Status != IngestStatus.Durable)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>How many events were new.</summary>
    public int Appended
    {
        get
        {
            int sum = 0;
            foreach (IngestEncoder.Part part in Parts)
            {
                sum += part.Result.Appended;
            }

            return sum;
        }
    }

    /// <summary>A round of all that was encoded.</summary>
    public static IngestRound Of(IngestEncoder events)
    {
        IngestRound round = Spare.TryDequeue(out IngestRound? spare) ? spare : new IngestRound();
        round.Count = events.CopyParts(ref round._parts);
        return round;
    }

    /// <summary>Sends all parts to their owners; ends when all are answered. After an exception some may still be on their way.</summary>
    public ValueTask SendAsync(StreamingEngine engine, byte[] producer, long sequence, CancellationToken cancellationToken)
    {
        if (Count == 0)
        {
            return default;
        }

        ValueTask answered = _answered.Begin(cancellationToken);
        _waiting = Count;
        _owners.Clear();
        foreach (IngestEncoder.Part part in Parts)
        {
            ISiloLink? owner = engine.FindOwner(part.Partition);
            _owners.Add(owner);
            if (owner is null)
            {
                part.Refuse(this);
            }
        }

        for (int i = 0; i < Count; i++)
        {
            if (_owners[i] is not { } owner)
            {
                continue;
            }

            var batches = new List<IngestBatch>(Count - i); // The owner's: it may go through it after the last answer.
            for (int j = i; j < Count; j++)
            {
                if (_owners[j] == owner)
                {
                    batches.Add(_parts[j].ToBatch(this, producer, sequence));
                    _owners[j] = null;
                }
            }

            owner.Ingest(batches);
        }

        return answered;
    }

    /// <summary>A part has been answered.</summary>
    public void Answered()
    {
        if (Interlocked.Decrement(ref _waiting) == 0)
        {
            _answered.End();
        }
    }

    /// <summary>Nobody needs the round or its parts any more: all have been answered.</summary>
    public void Return()
    {
        foreach (IngestEncoder.Part part in Parts)
        {
            part.Return();
        }

        Array.Clear(_parts, 0, Count);
        Count = 0;
        if (Spare.Count < MaxSpare)
        {
            Spare.Enqueue(this);
        }
    }
}
