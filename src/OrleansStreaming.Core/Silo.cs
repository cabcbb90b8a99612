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
    private OperatorHost? _running;
    private readonly Stack<CaptureBuffer> _captures = new();
    private readonly Dictionary<int, object> _sinkInstances = [];
    private readonly CancellationTokenSource _stopping = new();
    private IJournalWriter? _writer;
    private long _lastFlushMs = long.MinValue / 2;
    private long _lastWallMicros;
    private long _setBackMicros;
    private long _runNumber;
    private readonly Action _step;
    private int _nextPartition;
    private bool _moreToDo;
    private bool _hasInput;

    public Silo(string name, Topology topology, SiloOptions options, ISiloPorts ports, ILogger logger, SiloProbe? probe = null)
    {
        Name = name;
        Topology = topology;
        Options = options;
        Ports = ports;
        Log = new SiloLog(logger);
        Probe = probe;
        Operators = [.. topology.Operators.Select(o => OperatorType.For(o, topology))];
        _step = StepOnce;
        NowMs = ports.TicksMs;
        Journal = new Journal(-1, name, Journals, options);
        Pace = new CheckpointPace(options, Counters);
        Deltas = new DeltaLimits(options);
        Windows = new WindowCache(options.RunCacheBytes);
        RunLimits = new RunLimits(options.RunBlockBytes, options.RunWindowBytes);
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

    /// <summary>Monotonic milliseconds; read once per input and per step.</summary>
    public long NowMs { get; private set; }

    /// <summary>Mailboxes that no grain uses.</summary>
    public Stack<Queue<Input>> Mailboxes { get; } = new();

    /// <summary>When checkpoints are deltas.</summary>
    public DeltaLimits Deltas { get; }

    /// <summary>How far apart checkpoints are.</summary>
    public CheckpointPace Pace { get; }

    /// <summary>Parts of runs that were read last.</summary>
    public WindowCache Windows { get; }

    /// <summary>Runs of some partition are being merged: one merge at a time is enough.</summary>
    public bool Merging { get; set; }

    public RunLimits RunLimits { get; }

    /// <summary>What delivery looks ahead with.</summary>
    public Lookahead Lookahead { get; } = new();

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
    public OperatorHost? Running => RunningOffset >= 0 ? _running : null;

    /// <summary>The event that it is in; none outside of turns.</summary>
    public long RunningOffset { get; private set; } = Offset.None.Value;

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

    public void Start()
    {
        NowMs = Ports.TicksMs;
        Register();
    }

    public void Complete(Request request) => Guarded(static r => r.Finish(), request);

    public void TurnEnded(Turn turn) => Guarded(
        static input =>
        {
            input.Silo._turns.Remove(input.Turn);
            input.Turn.Host.TurnEnded(input.Turn);
        },
        (Silo: this, Turn: turn));

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

        if (batch.Previous is not null)
        {
            partition.Offer(batch);
            return;
        }

        Guarded(static input => input.partition.Ingest(input.batch), (partition, batch));
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
    /// <param name="hasInput">Whether more input waits for the loop, which then takes another step at once.</param>
    public bool Step(bool hasInput = false)
    {
        _hasInput = hasInput;
        _moreToDo = false;
        Guarded(_step);
        return _moreToDo && Phase != SiloPhase.Stopped;
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

    private void Guarded(Action action) => Guarded(static a => a(), action);

    private void Guarded<T>(Action<T> action, T input)
    {
        if (Phase == SiloPhase.Stopped)
        {
            return;
        }

        NowMs = Ports.TicksMs;
        try
        {
            action(input);
        }
        catch (Exception e) when (e is not SiloKilledException)
        {
            Stop(e is ProtocolException ? "a rule of the protocol was broken; this is a bug, please report it" : "an unexpected error", e);
        }
    }
}

/// <summary>Thrown by a test's port to stop a silo between two port calls.</summary>
internal sealed class SiloKilledException : Exception;
