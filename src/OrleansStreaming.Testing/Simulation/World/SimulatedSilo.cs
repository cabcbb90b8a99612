using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>One incarnation of a silo in the simulated world, and its ports.</summary>
internal sealed class SimulatedSilo : ISiloPorts, IServiceProvider
{
    private readonly SimulatedWorld _world;
    private readonly SimulatedStorage _storage;
    private int _killIn = -1;
    private long _micros;

    public SimulatedSilo(SimulatedWorld world, string name, int incarnation, long clockSkew)
    {
        _world = world;
        Name = name;
        Label = $"{name}.{incarnation}";
        Number = name[^1] - '0';
        Incarnation = incarnation;
        ClockSkew = clockSkew;
        _storage = new SimulatedStorage(world, this);
        Silo = new Silo(name, world.Topology, world.Scenario.Options, this, new FaultLogger(world, this), new OracleProbe(world.Oracle, this));
    }

    public SimulatedWorld World => _world;

    public string Name { get; }

    /// <summary>Its name and which of its incarnations it is.</summary>
    public string Label { get; }

    public int Incarnation { get; }

    /// <summary>Which of the silos it is.</summary>
    public int Number { get; }

    public Silo Silo { get; }

    public int Journal { get; private set; } = -1;

    /// <summary>The process runs.</summary>
    public bool Runs { get; set; } = true;

    /// <summary>Declared dead, whether it still runs or not.</summary>
    public bool DeclaredDead { get; set; }

    /// <summary>Is to stop in good order.</summary>
    public SimulatedStop? Stop { get; set; }

    public bool ShuttingDown => Stop is not null;

    /// <summary>It stands still until then, milliseconds.</summary>
    public long PausedUntilMs { get; set; }

    /// <summary>When it came to stand still.</summary>
    public long PausedSinceMs { get; set; }

    /// <summary>What it asks of storage waits until then, milliseconds.</summary>
    public long SlowUntilMs { get; set; }

    public bool IsPaused => PausedUntilMs > _world.NowMs && _world.Faulty;

    public bool StorageIsSlow => SlowUntilMs > _world.NowMs && _world.Faulty;

    public long ClockSkew { get; set; }

    /// <summary>A grain that need not be kept, as it does not know yet.</summary>
    public (OperatorHost Host, Grain Grain)? Unseating { get; set; }

    /// <summary>Storage operations and other work that has ended.</summary>
    public List<Request> Completions { get; } = [];

    public List<Turn> EndedTurns { get; } = [];

    /// <summary>The view that it was told last.</summary>
    public int ViewVersion { get; set; } = -1;

    /// <summary>Batches that it was handed and has not answered.</summary>
    public HashSet<PendingIngest> Ingests { get; } = [];

    /// <summary>It opens partitions, or claims some.</summary>
    public bool IsRecovering => Silo.Phase == SiloPhase.Running && Silo.Ownerships.Loading;

    /// <summary>It gives a partition to another silo.</summary>
    public bool IsMoving
    {
        get
        {
            foreach (Partition partition in Silo.Ownerships.Active)
            {
                if (partition.Move.Phase != MovePhase.None)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public long NowMicros => _world.WallMicros + ClockSkew;

    public long TicksMs => _world.NowMs;

    /// <summary>Every look at it takes a moment, so that what the loop does seems to take time.</summary>
    public long TicksMicros => _micros = Math.Max(_micros + 7, _world.NowMs * 1000);

    public IServiceProvider Services => this;

    /// <summary>Stops it at one of its next port calls.</summary>
    public void KillAfter(int calls) => _killIn = calls;

    public object? GetService(Type serviceType) => serviceType == typeof(SimulatedSilo) ? this : _world.Scenario.Workload.ServiceOf(this, serviceType);

    public void Submit(Request request)
    {
        Called("submit", request.What);
        Run(request);
    }

    public void Start(Request request)
    {
        Called("start", request.What);
        Run(request);
    }

    public bool HostsGrains => true;

    public void Run(HostedTurn turn)
    {
        Called("run", "a turn");
        _world.Totals.HostedTurns++;
        turn.Grain.Seat ??= new Seat(this);
        RunWhenItsGrainDoes(turn);
    }

    /// <summary>What leaves memory must be given back once, and only what was given.</summary>
    public void Release(object seat) => ((Seat)seat).Release(this);

    public void PostTurnEnd(Turn turn)
    {
        if (Runs && _world.IsThread)
        {
            EndedTurns.Add(turn);
        }
    }

    public void Send(int toJournal, SiloMessage message)
    {
        Called("send", message.GetType().Name);
        _world.Network.Send(this, toJournal, message);
    }

    public void Joined(int journal)
    {
        Called("join", string.Empty);
        Journal = journal;
        _world.Joined(this);
    }

    public void Stopped(string reason, Exception? error) => _world.Stopped(this, reason, error);

    private async void RunWhenItsGrainDoes(HostedTurn turn)
    {
        await _world.Gates.Wait(this, GateKind.Turn, new GateName("a grain takes its turn"), static () => true).ConfigureAwait(false);
        if (Runs)
        {
            await turn.RunAsync().ConfigureAwait(false);
        }
    }

    private void Run(Request request) => request.Prepare(_storage, Ended, CancellationToken.None).Execute();

    private void Ended(Request request)
    {
        if (!_world.IsThread)
        {
            _world.WentElsewhere = request.What;
        }
        else if (Runs)
        {
            Completions.Add(request);
        }
    }

    /// <summary>What stands for the grain of a cluster.</summary>
    private sealed class Seat(SimulatedSilo owner)
    {
        private bool _released;

        public void Release(SimulatedSilo silo)
        {
            if (_released || silo != owner)
            {
                throw new ProtocolException("a seat was given back twice, or to another silo");
            }

            _released = true;
        }
    }

    private void Called(string port, string what)
    {
        if (_world is { Faulty: true, Director: { } director } && director.Kills(_world, this, $"{port} {what}"))
        {
            throw new SiloKilledException();
        }

        if (_killIn > 0 && --_killIn == 0)
        {
            throw new SiloKilledException();
        }
    }
}
