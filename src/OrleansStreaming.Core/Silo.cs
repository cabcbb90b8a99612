using Microsoft.Extensions.Logging;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>Where a silo is in its life.</summary>
internal enum SiloPhase
{
    Starting,
    Running,
    Draining,
    Stopped,
}

/// <summary>
/// One silo incarnation: a failure domain that owns one journal and some partitions. A synchronous state machine: one loop
/// calls its inputs and <see cref="Step"/>, and it acts through <see cref="ISiloPorts"/>, so that a schedule can stop it
/// between any two port calls. No locks, no clocks of its own, no threads.
/// </summary>
internal sealed partial class Silo
{
    /// <summary>A clock that is further behind than this has been set back; less is waited out.</summary>
    private const long SetBackMicros = 1_000_000;
    private readonly PriorityQueue<Action, long> _timers = new();
    private readonly PriorityQueue<Action, long> _wallTimers = new();
    private readonly HashSet<Turn> _turns = [];
    private readonly Dictionary<string, string> _troubles = [];
    private readonly HashSet<Partition> _ackDue = [];
    private readonly Stack<TurnContext> _contexts = new();
    private readonly Dictionary<int, object> _sinkInstances = [];
    private readonly CancellationTokenSource _stopping = new();
    private IJournalWriter? _writer;
    private long _lastFlushMs = long.MinValue / 2;
    private long _lastWallMicros;
    private long _setBackMicros;
    private long _runNumber;
    private int _nextPartition;

    public Silo(string name, Topology topology, SiloOptions options, ISiloPorts ports, ILogger logger, SiloProbe? probe = null)
    {
        Name = name;
        Topology = topology;
        Options = options;
        Ports = ports;
        Log = new SiloLog(logger);
        Probe = probe;
        Operators = [.. topology.Operators.Select(o => OperatorType.For(o, topology))];
        Journal = new Journal(-1, name, Journals, options);
        Outbox = new Outbox(this);
        Ownerships = new Ownerships(this);
    }

    public string Name { get; }

    public Topology Topology { get; }

    public SiloOptions Options { get; }

    public ISiloPorts Ports { get; }

    public SiloLog Log { get; }

    public SiloProbe? Probe { get; }

    public IReadOnlyList<OperatorType> Operators { get; }

    public SiloCounters Counters { get; } = new();

    public JournalTable Journals { get; } = new();

    public Journal Journal { get; private set; }

    public Outbox Outbox { get; }

    public Ownerships Ownerships { get; }

    public SiloPhase Phase { get; private set; } = SiloPhase.Starting;

    public string? StopReason { get; private set; }

    /// <summary>Storage cannot take what the silo wants to write; the message says why. Null when all is well.</summary>
    public string? StorageTrouble => _troubles.Count == 0 ? null : _troubles.Values.First();

    public CancellationToken Stopping => _stopping.Token;

    public MembershipView? Membership { get; private set; }

    /// <summary>Monotonic milliseconds.</summary>
    public long NowMs => Ports.TicksMs;

    /// <summary>
    /// Wall clock in microseconds; never goes back within a silo. When the clock is set back, time goes on from where it
    /// was, so that timers come when they should, until the clock has caught up.
    /// </summary>
    public long WallMicros
    {
        get
        {
            long clock = Ports.NowMicros;
            if (clock >= _lastWallMicros)
            {
                _setBackMicros = 0;
            }
            else if (clock + _setBackMicros < _lastWallMicros - SetBackMicros)
            {
                _setBackMicros = _lastWallMicros - clock;
            }

            return _lastWallMicros = Math.Max(_lastWallMicros, clock + _setBackMicros);
        }
    }

    /// <summary>The operator whose code the loop is in, null outside of turns. For a watchdog, from any thread.</summary>
    public OperatorHost? Running { get; set; }

    /// <summary>The event that it is in.</summary>
    public long RunningOffset { get; set; }

    /// <summary>Turns that run longer than they should.</summary>
    public IEnumerable<Turn> StuckTurns => _turns.Where(t => t.ReportedStuck);

    /// <summary>Nothing waits to be processed, sent, released or made durable.</summary>
    public bool IsQuiet => Phase == SiloPhase.Running && !Journal.HasUnflushed && Outbox.Waiting == 0 && _turns.Count == 0
        && Ownerships.Active.All(p => p.IsSettled);

    /// <summary>When the loop should call <see cref="Step"/> again at the latest, monotonic milliseconds.</summary>
    public long NextWakeMs
    {
        get
        {
            long next = NowMs + 50;
            if (_timers.TryPeek(out _, out long due))
            {
                next = Math.Min(next, due);
            }

            if (_wallTimers.TryPeek(out _, out long dueMicros))
            {
                next = Math.Min(next, NowMs + Math.Max(0, (dueMicros - WallMicros + 999) / 1000));
            }

            return Journal.HasUnflushed && !Journal.Flushing ? Math.Min(next, _lastFlushMs + Options.FlushEveryMs) : next;
        }
    }

    // ---------- inputs

    public void Start() => Register();

    public void Complete(Request request) => Guarded(request.Finish);

    public void TurnEnded(Turn turn) => Guarded(() =>
    {
        _turns.Remove(turn);
        turn.Host.TurnEnded(turn);
    });

    public void MembershipChanged(MembershipView view)
    {
        Membership = view;
        Guarded(() =>
        {
            SealDead();
            Ownerships.Review();
        });
    }

    public void Ingest(IngestBatch batch)
    {
        if (Phase != SiloPhase.Running || Ownerships.Find(batch.Partition) is not { Closed: false } partition)
        {
            batch.Done(new IngestResult(IngestStatus.NotHere));
            return;
        }

        if (Journal.UnflushedBytes > Options.MaxUnflushedBytes || partition.BacklogBytes > Options.MaxBacklogBytes)
        {
            batch.Done(new IngestResult(IngestStatus.Busy));
            return;
        }

        Guarded(() => partition.Ingest(batch));
    }

    public void Read(StateQuery query)
    {
        OperatorHost? host = Phase is SiloPhase.Running or SiloPhase.Draining ? Ownerships.Find(query.Partition)?.HostOf(query.OperatorId) : null;
        if (host is null)
        {
            query.Answer(StateAnswer.Moved);
            return;
        }

        Guarded(() => host.Read(query));
    }

    /// <summary>Does a bounded piece of the work there is; returns whether there is more.</summary>
    public bool Step()
    {
        bool more = false;
        Guarded(() => more = StepOnce());
        return more && Phase != SiloPhase.Stopped;
    }

    /// <summary>Stops for good: everything in memory is void. The engine starts a new incarnation.</summary>
    public void Stop(string reason, Exception? error)
    {
        if (Phase == SiloPhase.Stopped)
        {
            return;
        }

        bool asked = Phase == SiloPhase.Draining && error is null;
        Phase = SiloPhase.Stopped;
        StopReason = reason;
        _stopping.Cancel();
        foreach (Partition partition in Ownerships.Active)
        {
            partition.Lose();
        }

        Log.Stopped(asked ? LogLevel.Information : LogLevel.Warning, Name, Journal.Id < 0 ? Name : Journal.Name, reason, error);
        Ports.Stopped(reason, error);
    }

    // ---------- services for the parts of a silo

    public void Submit(Request request) => Ports.Submit(request);

    public void Start(Request request) => Ports.Start(request);

    /// <summary>Calls back in the loop after some milliseconds.</summary>
    public void After(long delayMs, Action action) => _timers.Enqueue(action, NowMs + delayMs);

    /// <summary>Calls back in the loop at a wall-clock time.</summary>
    public void At(long micros, Action action) => _wallTimers.Enqueue(action, micros);

    public void Track(Turn turn)
    {
        _turns.Add(turn);
        turn.Task.ContinueWith(
            static (_, state) =>
            {
                var ended = (Turn)state!;
                ended.Host.PostEnd(ended);
            },
            turn,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public IEnumerable<Turn> TurnsOf(OperatorHost host) => _turns.Where(t => t.Host == host).ToArray();

    public TurnContext RentContext() => _contexts.TryPop(out TurnContext? context) ? context : new TurnContext();

    public void ReturnContext(TurnContext context) => _contexts.Push(context);

    public void MarkForAck(Partition partition) => _ackDue.Add(partition);

    public string NextRunNumber() => (++_runNumber).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public object SinkInstance(SinkDefinition sink)
    {
        if (!_sinkInstances.TryGetValue(sink.Id, out object? instance))
        {
            _sinkInstances.Add(sink.Id, instance = sink.Factory(Ports.Services));
        }

        return instance;
    }

    /// <summary>Whether a record is durable, and all that it depends on.</summary>
    public bool IsStable(LogBlock block, int slot) =>
        Journals.IsDurable(block.Journal, block.Lsn) && block.IsSettledSlot(slot, Journals);

    public string OperatorName(int operatorId) => Operators.FirstOrDefault(o => o.Definition.Id == operatorId)?.Definition.Name ?? $"operator{operatorId}";

    public string KeyText(int operatorId, ReadOnlySpan<byte> key) =>
        Operators.FirstOrDefault(o => o.Definition.Id == operatorId)?.KeyText(key) ?? Convert.ToHexString(key);

    /// <summary>The partition that a grain of an operator reads, -1 when the operator is not known.</summary>
    public int SourcePartition(int operatorId, ReadOnlySpan<byte> key)
    {
        StreamDefinition? from = Operators.FirstOrDefault(o => o.Definition.Id == operatorId)?.Definition.From;
        return from is null ? -1 : PartitionId.Of(from, KeyHash.PartitionOf(KeyHash.Compute(key), from.PartitionCount));
    }

    public void DeleteRun(string name) => Submit(new Request<bool>(
        $"delete run {name}",
        async (storage, cancel) =>
        {
            await storage.DeleteRunAsync(name, cancel).ConfigureAwait(false);
            return true;
        },
        static (_, _) => { })); // What is left over is found when the partition is opened next.

    /// <summary>Sends an output on its way: straight into a partition of this silo, else through a channel.</summary>
    public void Route(StreamDefinition stream, ref Row row, Grain sender, bool flagged)
    {
        int id = PartitionId.Of(stream, KeyHash.PartitionOf(KeyHash.Compute(row.Key), stream.PartitionCount));
        Partition? local = Ownerships.Find(id);
        if (local is { Closed: false } && !Outbox.Holds(id) && (!flagged || local.Duplicates.TryCatchUp()))
        {
            local.TakeLocal(ref row, sender.Foreign?.Prune(Journals), flagged);
            return;
        }

        Outbox.Add(id, ref row, SendVector(sender), flagged);
    }

    /// <summary>Tells all partitions that an operator writes to what it will never repeat.</summary>
    public void AnnounceFloor(OperatorDefinition from, Floor floor)
    {
        foreach (StreamDefinition stream in from.DeadLetters is null ? from.To : [.. from.To, from.DeadLetters])
        {
            for (int i = 0; i < stream.PartitionCount; i++)
            {
                int id = PartitionId.Of(stream, i);
                if (Ownerships.Find(id) is { Closed: false } local && !Outbox.Holds(id))
                {
                    local.Duplicates.Raise(floor);
                }
                else
                {
                    Outbox.Add(id, floor);
                }
            }
        }
    }

    public void AnnounceOwner(Partition partition) =>
        Broadcast(_ => new OwnerMessage(Journal.Id, SealVersion, Journal.Durable, partition.Id, partition.Epoch));

    public void AnnounceRelease(int partition) =>
        Broadcast(_ => new ReleasedMessage(Journal.Id, SealVersion, Journal.Durable, partition));

    public void BringBack(PartitionLog log, long sequence) => Ownerships.Find(log.Partition)?.BringBack(sequence);

    /// <summary>Something cannot be written or read, or can again: what was in trouble must itself come right, whatever else works.</summary>
    public void ReportStorageTrouble(string what, Exception? error)
    {
        if (error is null)
        {
            _troubles.Remove(what);
        }
        else
        {
            _troubles[what] = error.Message;
        }
    }

    // ---------- the loop's work

    private CausalityVector? _lastForeign;
    private long _lastOwnLsn;
    private CausalityVector? _lastVector;

    /// <summary>What a sent output depends on: the grain's foreign entries and the own journal. The last one is kept, as most are alike.</summary>
    private CausalityVector? SendVector(Grain sender)
    {
        CausalityVector? foreign = sender.Foreign?.Prune(Journals);
        if (Journals.IsDurable(Journal.Id, sender.OwnLsn))
        {
            return foreign;
        }

        if (_lastVector is null || !ReferenceEquals(foreign, _lastForeign) || sender.OwnLsn != _lastOwnLsn)
        {
            _lastForeign = foreign;
            _lastOwnLsn = sender.OwnLsn;
            _lastVector = CausalityVector.With(foreign, Journal.Id, sender.OwnLsn);
        }

        return _lastVector;
    }

    private bool StepOnce()
    {
        if (Phase is SiloPhase.Starting or SiloPhase.Stopped)
        {
            RunTimers();
            return false;
        }

        RunTimers();
        TakeHeld();
        int budget = Options.RowsPerStep;
        IReadOnlyList<Partition> active = Ownerships.Active;
        for (int i = 0; i < active.Count && budget > 0; i++)
        {
            Partition partition = active[(_nextPartition + i) % active.Count];
            if (!partition.Lost)
            {
                budget -= partition.Deliver(Math.Max(64, Options.RowsPerStep / active.Count));
            }
        }

        _nextPartition++;
        foreach (Partition partition in active)
        {
            if (!partition.Lost)
            {
                partition.StepRest();
            }
        }

        Ownerships.Step();
        Outbox.Transmit();
        Flush();
        SendAcks();
        return budget <= 0 || active.Any(p => p.HasWork && !p.Waits);
    }

    private void RunTimers()
    {
        long now = NowMs;
        while (_timers.TryPeek(out Action? action, out long due) && due <= now)
        {
            _timers.Dequeue();
            action();
        }

        while (_wallTimers.TryPeek(out Action? action, out long due) && due <= WallMicros)
        {
            _wallTimers.Dequeue();
            action();
        }
    }

    private void SendAcks()
    {
        foreach (Partition partition in _ackDue)
        {
            if (!partition.Lost)
            {
                partition.SendAcks();
            }
        }

        _ackDue.Clear();
    }

    private void Flush()
    {
        if (Journal.Flushing || !Journal.HasUnflushed || NowMs - _lastFlushMs < Options.FlushEveryMs || _writer is null)
        {
            return;
        }

        if (Journal.BeginFlush(SealVersion) is { } flush)
        {
            _lastFlushMs = NowMs;
            Append(flush);
        }
    }

    private void Append(Journal.Flush flush) => Submit(new Request<bool>(
        $"append to {Journal.Name}",
        async (_, cancel) =>
        {
            await _writer!.AppendAsync(flush.Frames, cancel).ConfigureAwait(false);
            return true;
        },
        (_, error) => Appended(flush, error)));

    private void Appended(Journal.Flush flush, Exception? error)
    {
        switch (error)
        {
            case null:
                if (_troubles.Remove(Journal.Name))
                {
                    Log.StorageRecovered(Name);
                }

                Journal.EndFlush(flush);
                Counters.JournalBytes = Journal.FlushedBytes;
                foreach (Partition partition in Ownerships.Active)
                {
                    partition.JournalAdvanced();
                }

                Broadcast(journal => new WatermarkMessage(Journal.Id, SealVersion, Journal.Durable));
                break;
            case StorageFullException:
                if (!_troubles.ContainsKey(Journal.Name))
                {
                    Log.StorageFull(Name, Journal.Name, error);
                }

                ReportStorageTrouble(Journal.Name, error);
                After(Options.StorageRetryMs * 4, () => Append(flush));
                break;
            case JournalFencedException:
                Stop("its journal has been sealed: another silo has taken its partitions over", error);
                break;
            default:
                // The page cache may have dropped what the flush failed on: never try again, start over.
                Stop("a flush failed", error);
                break;
        }
    }

    private void Broadcast(Func<int, SiloMessage> message)
    {
        foreach (int journal in Membership?.Live.Values ?? [])
        {
            if (journal != Journal.Id && journal >= 0)
            {
                Ports.Send(journal, message(journal));
            }
        }
    }

    private void Guarded(Action action)
    {
        if (Phase == SiloPhase.Stopped)
        {
            return;
        }

        try
        {
            action();
        }
        catch (ProtocolException e)
        {
            Stop("a rule of the protocol was broken; this is a bug, please report it", e);
        }
        catch (SiloKilledException)
        {
            throw;
        }
        catch (Exception e)
        {
            Stop("an unexpected error", e);
        }
    }
}

/// <summary>Thrown by a test's port to stop a silo between two port calls.</summary>
internal sealed class SiloKilledException : Exception;

/// <summary>Numbers partitions over all streams; stays the same when streams are added.</summary>
internal static class PartitionId
{
    private const int Bits = 10;

    public static int Of(StreamDefinition stream, int index) => (stream.Id << Bits) | index;

    public static int StreamId(int partition) => partition >> Bits;

    public static int Index(int partition) => partition & ((1 << Bits) - 1);
}
