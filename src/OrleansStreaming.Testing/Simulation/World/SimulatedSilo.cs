using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>One incarnation of a silo in the simulated world, and its ports.</summary>
internal sealed class SimulatedSilo : ISiloPorts, IServiceProvider, IGrainWorld
{
    private readonly SimulatedWorld _world;
    private readonly SimulatedStorage _storage;
    private int _killIn = -1;

    public SimulatedSilo(SimulatedWorld world, string name, int incarnation, long wallSkew)
    {
        _world = world;
        Name = name;
        Number = name[^1] - '0';
        Incarnation = incarnation;
        WallSkew = wallSkew;
        _storage = new SimulatedStorage(world, this);
        Probe = new OracleProbe(world.Oracle, this);
        Silo = new Silo(name, world.Scenario.Topology, world.Scenario.Options, this, new FaultLogger(world, this), Probe);
    }

    public SimulatedWorld World => _world;

    public string Name { get; }

    public int Incarnation { get; }

    /// <summary>Which of the silos it is.</summary>
    public int Number { get; }

    public Silo Silo { get; }

    public OracleProbe Probe { get; }

    public int Journal { get; private set; } = -1;

    /// <summary>The process runs.</summary>
    public bool Runs { get; set; } = true;

    /// <summary>Declared dead, whether it still runs or not.</summary>
    public bool DeclaredDead { get; set; }

    /// <summary>Is to stop in an orderly way.</summary>
    public bool ShuttingDown { get; set; }

    public long WallSkew { get; set; }

    public List<Request> Completions { get; } = [];

    public List<Turn> EndedTurns { get; } = [];

    /// <summary>The view that it was told last.</summary>
    public int ViewVersion { get; set; } = -1;

    /// <summary>Batches that it was handed and has not answered.</summary>
    public HashSet<PendingIngest> Ingests { get; } = [];

    public string Label => $"{Name}.{Incarnation}";

    public long NowMicros => _world.WallMicros + WallSkew;

    public long TicksMs => _world.NowMs;

    public IServiceProvider Services => this;

    public ISink<SimulatedEvent> SinkFor(string sink) => _world.Sink(sink).For(this);

    /// <summary>Stops it at one of its next port calls.</summary>
    public void KillAfter(int calls) => _killIn = calls;

    public object? GetService(Type serviceType) =>
        serviceType == typeof(SimulatedSilo) ? this
        : serviceType == typeof(IGrainWorld) ? this
        : null;

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

    public void PostTurnEnd(Turn turn)
    {
        if (Runs)
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
        Called("join", journal);
        Journal = journal;
        _world.Joined(this);
    }

    public void Stopped(string reason, Exception? error) => _world.Stopped(this, reason, error);

    private async void Run(Request request)
    {
        await request.RunAsync(_storage, CancellationToken.None).ConfigureAwait(false);
        if (Runs)
        {
            Completions.Add(request);
        }
    }

    int IGrainWorld.Keys => _world.Scenario.Keys;

    SimulatedOperator IGrainWorld.Operator(int slot) => _world.Scenario.Operators[slot];

    void IGrainWorld.PerhapsThrow(int slot, long key, Offset offset) => _world.PerhapsThrow(slot, key, offset);

    Task? IGrainWorld.PerhapsWait(int slot) => _world.PerhapsWait(this, slot);

    Task<ulong> IGrainWorld.Answer(ulong request) => _world.Answer(this, request);

    private void Called(string port, object what)
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
