using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>
/// One operator in one partition: reads the partition's log in order, and runs the turns of its grains. This file reads the
/// log; the others run turns, roll back and catch up, and keep timers and calls.
/// </summary>
internal sealed partial class OperatorHost
{
    private readonly Silo _silo;
    private readonly Partition _partition;
    private const long EvictEveryMs = 100;
    private const int SmallestEvictSlice = 16;
    private const int LargestEvictSlice = 4096;

    /// <summary>Where there are too many grains, so many are looked at for each one that comes, and for each that is checkpointed.</summary>
    private const int VisitsPerNewcomer = 8;
    private readonly bool _elsewhere;

    /// <summary>The grain whose event stops the reading of the partition, if any: <see cref="FailurePolicy.StopPartition"/>.</summary>
    private Grain? _halted;
    private LogCursor _cursor;
    private long _evictedMs;
    private int _evictNext;
    private int _evictCredit;
    private long _lapMs;
    private long _lapBeforeMs;

    public OperatorHost(Silo silo, Partition partition, OperatorType type, long startAfter)
    {
        _silo = silo;
        _partition = partition;
        Type = type;
        Grains = new GrainMap(type.Definition.From.KeyKind == KeyKind.Int64);
        _elsewhere = silo.Options.Blocking.Contains(type.Definition.Name)
            || (type.Definition.Options.Hosting == OperatorHosting.GrainPerKey && silo.Ports.HostsGrains);
        _undo = new UndoLog(type.NewCopies());
        _cursor = LogCursor.After(partition.Log, startAfter);
        CursorOffset = startAfter;
        if (partition.HistoryEnd > startAfter && type.Definition.Options.MaxResident == 0)
        {
            _deliverTo = startAfter; // Where not all may be in memory, some at a time are enough.
        }
    }

    public OperatorType Type { get; }

    public int Id => Type.Definition.Id;

    public Partition Partition => _partition;

    public SerializerRegistry Serializers => _silo.Topology.Serializers;

    public CancellationToken Stopping => _silo.Stopping;

    public GrainMap Grains { get; }

    /// <summary>The last offset handed to grains.</summary>
    public long CursorOffset { get; private set; }

    /// <summary>Grains that cannot take events at the moment: their checkpoints are being read, or they wait after a throw.</summary>
    private readonly HashSet<Grain> _away = [];

    /// <summary>Nothing is under way: no grain is behind, being read, or waiting for another attempt or an answer.</summary>
    public bool IsSettled => !HasWork && _away.Count == 0 && _openCalls == 0;

    /// <summary>Something can be read, as far as is known.</summary>
    public bool HasWork => _catchingUp > 0 || !_cursor.AtEnd(_partition.Log);

    /// <summary>The block that is read next.</summary>
    public long CursorSequence => _cursor.Sequence;

    /// <summary>What of its input no committed checkpoint covers.</summary>
    public Coverage Coverage { get; } = new();

    /// <summary>The keys of all grains: those in memory, and the runs in which the others are to be found.</summary>
    public GrainKeys Keys()
    {
        var keys = new List<byte[]>(Grains.Count);
        Grains.Sweep(0, int.MaxValue, grain => keys.Add(grain.Key));
        return new GrainKeys(Id, keys, _partition.Checkpoints.Runs);
    }

    /// <summary>Brings a grain into memory that waits for a timer or an answer.</summary>
    public void Wake(byte[] key)
    {
        if (FindOrKnown(KeyHash.Compute(key), key) is { Phase: GrainPhase.Absent } grain)
        {
            Activate(grain);
        }
    }

    /// <summary>The partition is given up: running turns no longer count.</summary>
    public void Abandon()
    {
        RefuseReads();
        _silo.Forget(this);
        foreach (Turn turn in _silo.TurnsOf(this))
        {
            turn.Discarded = true;
        }

        _silo.Counters.Grains -= Grains.Count;
        Type.Resident -= Grains.Count;
        if (_silo.Deltas.InUse)
        {
            Grains.Sweep(0, int.MaxValue, DropBase);
        }

        if (_elsewhere)
        {
            Grains.Sweep(0, int.MaxValue, ReleaseSeat);
        }
    }

    /// <summary>Turns may start again.</summary>
    public void Resume() => Grains.Sweep(0, int.MaxValue, DrainMailbox);

    public void PostEnd(Turn turn) => _silo.Ports.PostTurnEnd(turn);

    /// <summary>Hands out up to some events; returns how many rows it looked at.</summary>
    public int Deliver(int budget)
    {
        int done = CatchUp(budget);
        done += BringBack(budget - done);
        Lookahead ahead = _silo.Lookahead;
        while (done < budget && MayDeliver && _cursor.TryEnter(_partition.Log, _silo, out LogBlock? block, out int start, out int index))
        {
            int count = ahead.Read(Grains, block, start, Math.Min(block.Count - index, budget - done));
            for (int i = 0; i < count && MayDeliver; i++)
            {
                ref readonly Lookahead.Entry next = ref ahead[i];
                next.Row.In(block.Rows[next.Start..], out Row row);
                bool isVoid = block.IsVoid(row.Slot);
                if (!isVoid && _partition.Stream.Strict && !Mutations.DeliverUnstable
                    && !(Mutations.ReplayUnstable && block.LastOffset <= _partition.HistoryEnd) && !_silo.IsStable(block, row.Slot))
                {
                    ahead.Clear();
                    return done;
                }

                _cursor.Move(next.Row.Length);
                CursorOffset = block.First.Value + index + i;
                done++;
                if (!isVoid && IsFor(in row))
                {
                    Offer(new Input(block, next.Start, CursorOffset, in row), in row, next.Hash, next.Grain);
                }
            }
        }

        ahead.Clear();
        return done;
    }

    private bool MayDeliver => CursorOffset < _deliverTo && !_partition.TurnsStopped && _halted is null && !(_elsewhere && _silo.TurnsWaitElsewhere);

    /// <summary>The grain of a key, if it is known in memory or has a committed checkpoint.</summary>
    public Grain? FindOrKnown(ulong hash, ReadOnlySpan<byte> key) =>
        Grains.Find(hash, key) ?? (_partition.Checkpoints.MayContain(Id, hash) ? Create(hash, key) : null);

    private Grain FindOrCreate(Grain? known, ulong hash, ReadOnlySpan<byte> key) => known ?? Grains.Find(hash, key) ?? Create(hash, key);

    private Grain Create(ulong hash, ReadOnlySpan<byte> key)
    {
        var grain = new Grain(key.ToArray(), hash);
        grain.Use(_silo.NowMs);
        if (_partition.Checkpoints.MayContain(Id, hash))
        {
            grain.Committed = Grain.NotKnown; // And with it its position: events wait until the checkpoint is read.
        }

        Grains.Add(grain);
        _silo.Counters.Grains++;
        Type.Resident++;
        _evictCredit += VisitsPerNewcomer;
        return grain;
    }

    private bool IsFor(in Row row) => row.Kind == RecordKind.Event || row.OperatorId == Id;

    private void Offer(in Input input, in Row row, ulong hash, Grain? known)
    {
        Grain grain = FindOrCreate(known, hash, row.Key);
        if (grain is { Phase: GrainPhase.Absent, Behind: false })
        {
            Activate(grain); // Its checkpoint may be at hand; if not, what it covers is seen when it has been read.
        }

        if (input.Offset <= grain.Position)
        {
            return;
        }

        MarkUncovered(grain, input.Offset);
        if (grain.IsIdle)
        {
            CountIfReplayed(input.Offset);
            Run(grain, in input, in row);
        }
        else if (!grain.Behind)
        {
            Enqueue(grain, in input);
        }
    }

    private void CountIfReplayed(long offset)
    {
        if (offset <= _partition.HistoryEnd)
        {
            _silo.Counters.Replayed++;
        }
    }

    private void Enqueue(Grain grain, in Input input)
    {
        grain.Mailbox ??= _silo.Mailboxes.TryPop(out Queue<Input>? mailbox) ? mailbox : new Queue<Input>();
        if (grain.Mailbox.Count >= _silo.Options.MaxMailbox)
        {
            // The journal is the queue: what does not fit is found again there.
            FallBehind(grain);
            return;
        }

        input.Block.Pins++;
        grain.Mailbox.Enqueue(input);
    }

    private void DrainMailbox(Grain grain)
    {
        while (grain is { Phase: GrainPhase.Ready, Turn: null, Mailbox.Count: > 0 } && !_partition.TurnsStopped)
        {
            Input waiting = grain.Mailbox.Peek();
            if (!waiting.Block.IsVoid(waiting.Slot) && waiting.Offset > grain.Position)
            {
                Row.Read(waiting.Block.Rows[waiting.Start..], waiting.Block.BaseTime, out Row row);
                CountIfReplayed(waiting.Offset);
                Run(grain, in waiting, in row);
                if (grain.Mailbox is not { Count: > 0 } || grain.Mailbox.Peek() != waiting)
                {
                    return; // The turn threw, and the mailbox was given back.
                }
            }

            grain.Mailbox.Dequeue();
            waiting.Block.Pins--;
        }

        if (grain.Mailbox is { Count: 0 } empty)
        {
            grain.Mailbox = null;
            _silo.Mailboxes.Push(empty);
        }
    }

    private static void ClearMailbox(Grain grain)
    {
        if (grain.Mailbox is not null)
        {
            foreach (Input waiting in grain.Mailbox)
            {
                waiting.Block.Pins--;
            }

            grain.Mailbox = null;
        }
    }

    private void MarkUncovered(Grain grain, long offset)
    {
        if (grain.UncoveredFrom < 0)
        {
            grain.UncoveredFrom = offset;
            Coverage.Add(grain);
        }
        else if (grain.CapturedAt >= 0 && grain.UncoveredAfterCapture < 0)
        {
            grain.UncoveredAfterCapture = offset;
        }
    }
}
