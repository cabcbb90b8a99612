using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// All silos are to stop, at once or one soon after the other; or all but some, which are told later, or not at all. Partitions
/// may be on the move just then. A silo that was away may come back meanwhile, and be told to stop, too. Some may be slow to
/// write checkpoints, each in its own way, and so to stop their turns. They may all have died and come back just before, and
/// sealing take a while. When all that were told have stopped, all start again, or all but one.
/// </summary>
/// <param name="dies">How often, in a thousand, one of them dies when its turns are to stop, and has not heard of the last floors.</param>
/// <param name="comeBack">How often, in a thousand, all have died and come back just before.</param>
internal sealed class StopsTogether(int dies, int comeBack = 0) : Director
{
    private readonly Queue<(SimulatedSilo Silo, int After)> _toTell = [];

    /// <summary>Those that are slow, and until when; 0 when they have not begun to be.</summary>
    private readonly Dictionary<SimulatedSilo, long> _slowUntilMs = [];
    private SimulatedSilo? _victim;
    private long _unsealedUntilMs;
    private int _left = 200;
    private int _diesIn;
    private int _comesIn;
    private bool _comesBack;
    private bool _stopping;
    private bool _cameBack;

    public override bool Act(SimulatedWorld world)
    {
        if (_left-- > 0)
        {
            return false;
        }

        if (_toTell.Count > 0)
        {
            Tell(world);
        }
        else if (!_stopping)
        {
            Begin(world);
        }
        else if (!world.Silos.Any(static s => s is { DeclaredDead: false, ShuttingDown: true }))
        {
            StartAgain(world);
        }
        else
        {
            _left = world.Random.Between(5, 30);
            Disturb(world);
        }

        return true;
    }

    public override bool Holds(SimulatedWorld world, Parcel parcel) =>
        _victim is { Runs: true } victim && parcel.To == victim.Journal && parcel.Message is DataMessage { Floor: not null }
        && world.Find(parcel.Message.From)?.Stop?.Stage >= StopStage.Quiet;

    public override bool Holds(SimulatedWorld world, Gate gate)
    {
        if (world.NowMs < _unsealedUntilMs && gate.What.Verb == "fence")
        {
            return true;
        }

        if (gate.Owner is not { Stop.Stage: StopStage.Quiet } owner || !_slowUntilMs.TryGetValue(owner, out long until) || !EpisodeDirector.IsCommit(gate))
        {
            return false;
        }

        if (until == 0)
        {
            _slowUntilMs[owner] = until = world.NowMs + (world.Random.Chance(700) ? world.Random.Between(5, 400) : world.Random.Between(1500, 8000));
        }

        return world.NowMs < until;
    }

    private void Begin(SimulatedWorld world)
    {
        SimulatedSilo[] serving = [.. world.Silos.Where(static s => s is { DeclaredDead: false, Journal: >= 0 })];
        if (serving.Length < Math.Max(1, world.Scenario.Silos - (_comesBack ? 1 : 0)))
        {
            _left = 20;
            return;
        }

        if (comeBack > 0 && !_cameBack && world.Random.Chance(comeBack))
        {
            DieAndComeBack(world, serving);
            return;
        }

        _cameBack = false;
        bool moves = world.Random.Chance(400), all = world.Random.Chance(700);
        if (moves)
        {
            world.Membership.Plan(world.Membership.Names.Where(_ => world.Random.Chance(600)));
            world.Membership.Update();
        }

        int between = world.Random.Pick(0, 0, 5, 40);
        foreach (SimulatedSilo silo in serving.OrderBy(_ => world.Random.Next()))
        {
            if (all || world.Random.Chance(700))
            {
                _toTell.Enqueue((silo, all || world.Random.Chance(600) ? between : world.Random.Between(20, 300)));
            }
        }

        _stopping = true;
        _victim = world.Random.Chance(dies) ? world.Random.PickFrom(serving) : null;
        _slowUntilMs.Clear();
        foreach (SimulatedSilo silo in serving.Where(_ => world.Random.Chance(500)))
        {
            _slowUntilMs.Add(silo, 0);
        }

        _diesIn = world.Random.Below(4);
        _comesIn = world.Random.Below(20);
        _left = moves ? world.Random.Between(0, 150) : 0;
    }

    private void DieAndComeBack(SimulatedWorld world, SimulatedSilo[] serving)
    {
        foreach (SimulatedSilo silo in serving)
        {
            world.Kill(silo);
        }

        foreach (string name in Missing(world).ToArray())
        {
            world.StartSilo(name);
        }

        _cameBack = true;
        _unsealedUntilMs = world.NowMs + world.Random.Between(2000, 8000);
        _left = 0;
    }

    private void Tell(SimulatedWorld world)
    {
        if (_toTell.Dequeue() is { Silo: { Runs: true, DeclaredDead: false, ShuttingDown: false } silo })
        {
            world.ShutDown(silo);
        }

        _left = _toTell.TryPeek(out (SimulatedSilo Silo, int After) next) ? next.After : 0;
    }

    private void Disturb(SimulatedWorld world)
    {
        if (_victim is { Runs: true, Silo.Phase: SiloPhase.Draining } victim && _diesIn-- <= 0)
        {
            world.Kill(victim);
        }
        else if (_comesBack && _comesIn-- <= 0 && Missing(world).FirstOrDefault() is { } name)
        {
            _comesBack = false;
            world.StartSilo(name);
            if (world.Random.Chance(500))
            {
                _left = world.Random.Between(5, 200);
                _toTell.Enqueue((world.Silos[^1], 0));
            }
        }
    }

    private void StartAgain(SimulatedWorld world)
    {
        world.Membership.PlanAll();
        _comesBack = world.Scenario.Silos > 1 && world.Random.Chance(400);
        foreach (string name in Missing(world).Skip(_comesBack ? 1 : 0).ToArray())
        {
            world.StartSilo(name);
        }

        _stopping = false;
        _left = world.Random.Between(100, 500);
    }

    private static IEnumerable<string> Missing(SimulatedWorld world) =>
        world.Membership.Names.Where(name => !world.Silos.Any(s => s.Name == name && !s.DeclaredDead));
}
