using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// The parts of one request on their way to the silos. A silo gets all of its parts as one input, hence takes them in one
/// step and writes them with one flush; the caller is woken once, when all are answered.
/// </summary>
internal sealed class IngestRound
{
    private readonly TaskCompletionSource<IngestResult[]> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IngestResult[] _results;
    private int _waiting;

    private IngestRound(int parts) => (_results, _waiting) = (new IngestResult[parts], parts);

    /// <summary>Sends all parts to their owners. The answers stand where the parts do; a part without an owner is <see cref="IngestStatus.NotHere"/>.</summary>
    public static Task<IngestResult[]> SendAsync(StreamingEngine engine, IngestEncoder.Part[] parts, byte[] producer, long sequence)
    {
        if (parts.Length == 0)
        {
            return Task.FromResult<IngestResult[]>([]);
        }

        var round = new IngestRound(parts.Length);
        var owners = new ISiloLink?[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            owners[i] = engine.FindOwner(parts[i].Partition);
            if (owners[i] is null)
            {
                round.Answer(i, new IngestResult(IngestStatus.NotHere));
            }
        }

        for (int i = 0; i < parts.Length; i++)
        {
            if (owners[i] is not { } owner)
            {
                continue;
            }

            var batches = new List<IngestBatch>(parts.Length - i);
            for (int j = i; j < parts.Length; j++)
            {
                if (owners[j] == owner)
                {
                    int part = j;
                    batches.Add(parts[j].ToBatch(producer, sequence, null, 0, result => round.Answer(part, result)));
                    owners[j] = null;
                }
            }

            owner.Ingest(batches);
        }

        return round._answered.Task;
    }

    private void Answer(int part, IngestResult result)
    {
        _results[part] = result;
        if (Interlocked.Decrement(ref _waiting) == 0)
        {
            _answered.SetResult(_results);
        }
    }
}
