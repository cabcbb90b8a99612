using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// The parts of one request on their way to the silos. A silo gets all of its parts as one input, hence takes them in one
/// step and writes them with one flush; the last answer ends the request at once, on whichever thread brings it. Used again,
/// with its parts, for later requests.
/// </summary>
internal sealed class IngestRound
{
    private const int MaxSpare = 256;
    private static readonly ConcurrentQueue<IngestRound> Spare = new();
    private readonly List<ISiloLink?> _owners = [];
    private IngestEncoder.Part[] _parts = [];
    private StreamingEngine? _engine;
    private TaskCompletionSource<IngestAnswer>? _answer;
    private CancellationToken _cancel;
    private CancellationTokenRegistration _cancelling;
    private int _waiting;

    private IngestRound()
    {
    }

    /// <summary>The parts, each with what became of it. One without an owner is <see cref="IngestStatus.NotHere"/>.</summary>
    public ReadOnlySpan<IngestEncoder.Part> Parts => _parts.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>The id of the producer; empty for none.</summary>
    public byte[] Producer { get; private set; } = [];

    /// <summary>The number of the request.</summary>
    public long Sequence { get; private set; }

    /// <summary>Sends all that was encoded to its owners; ends when it is durable, or cannot be for now. The encoder is given back, and must not be used any more.</summary>
    /// <param name="events">What was encoded.</param>
    /// <param name="engine">Knows the owners, and sees to what could not be stored at once.</param>
    /// <param name="cancellationToken">Ends the wait; the events may be stored or not.</param>
    public static Task<IngestAnswer> SendAsync(IngestEncoder events, StreamingEngine engine, CancellationToken cancellationToken)
    {
        IngestRound round = Spare.TryDequeue(out IngestRound? spare) ? spare : new IngestRound();
        (round.Producer, round.Sequence) = (events.Producer, events.Sequence);
        round.Count = events.MoveParts(ref round._parts);
        return round.SendAsync(engine, cancellationToken);
    }

    /// <summary>A part has been answered.</summary>
    public void Answered()
    {
        if (Interlocked.Decrement(ref _waiting) > 0)
        {
            return;
        }

        _cancelling.Unregister();
        int appended = 0;
        foreach (IngestEncoder.Part part in Parts)
        {
            if (part.Result.Status != IngestStatus.Durable)
            {
                _ = FinishAsync();
                return;
            }

            appended += part.Result.Appended;
        }

        End().TrySetResult(new IngestAnswer(IngestOutcome.Durable, appended));
    }

    private Task<IngestAnswer> SendAsync(StreamingEngine engine, CancellationToken cancellationToken)
    {
        // Whoever awaits it goes on elsewhere: the last answer comes from the loop of a silo.
        var answer = new TaskCompletionSource<IngestAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        (_engine, _answer, _cancel) = (engine, answer, cancellationToken);
        _cancelling = cancellationToken.UnsafeRegister(static (waiting, cancel) => ((TaskCompletionSource<IngestAnswer>)waiting!).TrySetCanceled(cancel), answer);
        _waiting = Count + 1; // The last is that all have been sent: the round is needed for that.
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

            List<IngestBatch> batches = BatchLists.Take(); // The owner's: it may go through it after the last answer.
            for (int j = i; j < Count; j++)
            {
                if (_owners[j] == owner)
                {
                    batches.Add(_parts[j].ToBatch(this, Producer, Sequence));
                    _owners[j] = null;
                }
            }

            owner.Ingest(batches);
        }

        Answered();
        return answer.Task;
    }

    /// <summary>Stores what has not been stored by the first try.</summary>
    private async Task FinishAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // Not in the loop of a silo.
        try
        {
            _cancel.ThrowIfCancellationRequested();
            IngestAnswer answer = await _engine!.FinishAsync(this, _cancel).ConfigureAwait(false);
            End().TrySetResult(answer);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            _answer!.TrySetCanceled(_cancel); // Some parts may still be on their way, so nothing is used again.
        }
        catch (Exception e)
        {
            _answer!.TrySetException(e);
        }
    }

    /// <summary>All parts have been answered: nobody needs the round or its parts any more. Returns who waits.</summary>
    private TaskCompletionSource<IngestAnswer> End()
    {
        foreach (IngestEncoder.Part part in Parts)
        {
            part.Return();
        }

        TaskCompletionSource<IngestAnswer> answer = _answer!;
        Array.Clear(_parts, 0, Count);
        Count = 0;
        (_engine, _answer, _cancel, _cancelling) = (null, null, default, default);
        if (Spare.Count < MaxSpare)
        {
            Spare.Enqueue(this);
        }

        return answer;
    }
}
