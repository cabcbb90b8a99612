namespace OrleansStreaming.Core;

/// <summary>
/// Looks for the committed checkpoints of grains that are not in memory: from the newest run to the oldest, through indexes
/// and filters, which are in memory, and blocks, which are read some at a time. Grains that need the same part of a run wait
/// for one read of it.
/// </summary>
internal sealed class GrainLoads(Silo silo, Partition partition)
{
    private const int MaxReads = 8;
    private const int DamagedRetryMs = 5000;
    private readonly Dictionary<(CheckpointRun Run, int First), List<Lookup>> _waiting = [];
    private readonly Queue<(CheckpointRun Run, int First, int End)> _toRead = new();
    private readonly Queue<(Lookup Lookup, RunWindow Window)> _ready = new();
    private int _reading;

    /// <summary>Something has been read, and waits to be taken.</summary>
    public bool HasWork => _ready.Count > 0;

    /// <summary>Reads are under way, or what they found waits to be taken.</summary>
    public bool IsBusy => _reading > 0 || _toRead.Count > 0 || _ready.Count > 0;

    /// <summary>Looks for a grain; its host is told at once if nothing must be read.</summary>
    public void Load(OperatorHost host, Grain grain) => Advance(new Lookup(host.Id, grain, partition.Checkpoints.Runs) { Host = host }, null);

    /// <summary>Goes on with some of those that something has been read for.</summary>
    public void Step(int budget)
    {
        for (; budget > 0 && _ready.TryDequeue(out (Lookup Lookup, RunWindow Window) next); budget--)
        {
            if (next.Lookup.IsWanted && !partition.Lost)
            {
                Advance(next.Lookup, next.Window);
            }
        }
    }

    private void Advance(Lookup lookup, RunWindow? read)
    {
        try
        {
            while (lookup.MoveToCandidate())
            {
                (int first, int end) = lookup.Run.WindowOf(lookup.Block, silo.Options.RunWindowBytes);
                RunWindow? window = read is not null && read.Run == lookup.Run && read.First == first ? read : silo.Windows.Find(lookup.Run, first);
                if (window is null)
                {
                    Wait(lookup, first, end);
                    return;
                }

                if (lookup.Look(window))
                {
                    lookup.ThrowIfStale();
                    lookup.Host!.Loaded(lookup.Grain, new LoadedState(lookup.Position, lookup.Pending, lookup.State.Span, lookup.DeltaBytes, lookup.Moves));
                    return;
                }
            }

            lookup.ThrowUnlessNew();
            lookup.Host!.LoadedNothing(lookup.Grain);
        }
        catch (CorruptDataException e)
        {
            Failed([lookup], e.File, e);
        }
    }

    private void Wait(Lookup lookup, int first, int end)
    {
        if (_waiting.TryGetValue((lookup.Run, first), out List<Lookup>? others))
        {
            others.Add(lookup);
            return;
        }

        _waiting.Add((lookup.Run, first), [lookup]);
        _toRead.Enqueue((lookup.Run, first, end));
        ReadNext();
    }

    private void ReadNext()
    {
        while (_reading < MaxReads && _toRead.TryDequeue(out (CheckpointRun Run, int First, int End) next))
        {
            _reading++;
            silo.Submit(new Request<RunWindow>(
                $"read run {next.Run.Name} from {next.Run.PlaceOf(next.First)}",
                (storage, cancel) => next.Run.ReadAsync(storage, next.First, next.End, cancel),
                (window, error) => Read(next.Run, next.First, window, error)));
        }
    }

    private void Read(CheckpointRun run, int first, RunWindow? window, Exception? error)
    {
        _reading--;
        silo.Counters.RunReads++;
        _waiting.Remove((run, first), out List<Lookup>? lookups);
        if (partition.Lost)
        {
            return;
        }

        if (error is not null)
        {
            Failed(lookups!, run.Name, error);
        }
        else
        {
            silo.Ownerships.Faults.Remove(partition.Id);
            if (partition.Checkpoints.Has(run))
            {
                silo.Windows.Add(window!);
            }

            foreach (Lookup lookup in lookups!)
            {
                _ready.Enqueue((lookup, window!));
            }

            Step(silo.Options.LoadsPerStep);
        }

        ReadNext();
    }

    /// <summary>A newer run may have replaced one meanwhile; otherwise storage will answer some time, or stay damaged.</summary>
    private void Failed(List<Lookup> lookups, string what, Exception error)
    {
        bool replaced = lookups.Exists(l => !ReferenceEquals(l.Runs, partition.Checkpoints.Runs));
        if (!replaced)
        {
            silo.Log.ReadFailed(silo.Name, what, error);
        }

        bool damaged = !replaced && error is CorruptDataException;
        if (damaged)
        {
            silo.Ownerships.Faults[partition.Id] = error.Message;
        }

        silo.After(damaged ? DamagedRetryMs : silo.Options.StorageRetryMs, () =>
        {
            foreach (Lookup lookup in lookups)
            {
                if (lookup.IsWanted && !partition.Lost)
                {
                    Load(lookup.Host!, lookup.Grain);
                }
            }
        });
    }
}

/// <summary>What was found of a grain.</summary>
internal readonly ref struct LoadedState(long position, List<PendingRequest>? pending, ReadOnlySpan<byte> state, long deltaBytes, int moves)
{
    public long Position { get; } = position;

    public List<PendingRequest>? Pending { get; } = pending;

    public ReadOnlySpan<byte> State { get; } = state;

    /// <summary>Bytes of the deltas that the state was made with.</summary>
    public long DeltaBytes { get; } = deltaBytes;

    /// <summary>How many of them have moved bytes.</summary>
    public int Moves { get; } = moves;
}
