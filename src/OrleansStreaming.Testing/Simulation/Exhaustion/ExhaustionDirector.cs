using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// A schedule that leaves nothing to chance: round by round, everybody does all that there is to do. Counts each operation on storage, a
/// sink, a call, a turn, and each message that is sent, and kills who does it where a plan says so.
/// </summary>
internal sealed class ExhaustionDirector(CrashPlan plan, Action<SimulatedWorld, int>? script, int scriptRounds) : Director
{
    private const int RoundMs = 2;

    /// <summary>Others notice a death before the silo is back, so that they take over.</summary>
    private const int RestartRounds = 15;
    private const int QuietRounds = 5;

    /// <summary>How late the messages of a dead silo are, where they are late: after it has been sealed.</summary>
    private const int LateRounds = 10;

    private readonly Dictionary<string, int> _missing = [];
    private readonly Dictionary<int, int> _gone = [];
    private SimulatedSilo? _dying;
    private int _round;
    private int _quiet;
    private int _next;

    /// <summary>Steps so far.</summary>
    public int Steps { get; private set; }

    /// <summary>Those of them that can be torn.</summary>
    public HashSet<int> Appends { get; } = [];

    /// <summary>Crashes of the plan that have happened.</summary>
    public int Crashes => _next;

    public override bool IsDone(SimulatedWorld world) => _quiet > QuietRounds;

    public override bool Act(SimulatedWorld world)
    {
        script?.Invoke(world, _round);
        StartMissing(world);
        world.Membership.Update();
        foreach (SimulatedSilo silo in world.Silos.ToArray())
        {
            Do(world, () => world.Membership.Tell(silo));
        }

        bool sent = false;
        for (int i = world.Network.Parcels.Count; i > 0 && world.Network.Parcels.Count > 0; i--)
        {
            sent |= world.Network.Parcels[0].Message is not WatermarkMessage;
            Do(world, world.Network.DeliverOne);
        }

        for (int i = world.Gates.Waiting.Count; i > 0 && world.Gates.Waiting.Count > 0; i--)
        {
            PassFirst(world);
        }

        foreach (SimulatedSilo silo in world.Silos.ToArray())
        {
            while (silo is { Runs: true, Completions.Count: > 0 })
            {
                Do(world, () => world.Complete(silo, 0));
            }

            while (silo is { Runs: true, EndedTurns.Count: > 0 })
            {
                Do(world, () => world.EndTurn(silo, 0));
            }

            if (silo.Runs)
            {
                Do(world, () => world.Step(silo));
            }
        }

        foreach (ScriptedProducer producer in world.Producers.Cast<ScriptedProducer>())
        {
            Do(world, () => producer.Act(mayStartNew: true));
        }

        world.Wait(RoundMs);
        _round++;
        bool rests = !sent && _round > scriptRounds && world.Gates.Waiting.Count == 0 && _missing.Count == 0
            && world.Producers.All(p => p is ScriptedProducer { HasMore: false }) && world.Oracle.Progress.IsQuiet();
        _quiet = rests ? _quiet + 1 : 0;
        return true;
    }

    public override bool Holds(SimulatedWorld world, Parcel parcel)
    {
        bool isGone = plan.Late && !world.Silos.Any(s => s is { Runs: true, DeclaredDead: false } && s.Journal == parcel.Message.From);
        if (!isGone)
        {
            return false;
        }

        _gone.TryAdd(parcel.Message.From, _round);
        return _round < _gone[parcel.Message.From] + LateRounds;
    }

    /// <summary>A silo sends something: it may die before it has, or right after.</summary>
    public override bool Kills(SimulatedWorld world, SimulatedSilo silo, string call)
    {
        if (silo == _dying)
        {
            return true;
        }

        // A watermark only repeats what is durable.
        if (!call.StartsWith("send ", StringComparison.Ordinal) || call == $"send {nameof(WatermarkMessage)}")
        {
            return false;
        }

        CrashKind? crash = Count(world, silo, call);
        _dying = crash == CrashKind.After ? silo : null;
        return crash == CrashKind.Before;
    }

    private void PassFirst(SimulatedWorld world)
    {
        Gate gate = world.Gates.Waiting[0];
        if (gate.Owner.Runs && Count(world, gate.Owner, gate.What.ToString(), gate.Tear is not null) is { } crash)
        {
            Crash(world, gate, crash);
        }
        else
        {
            Do(world, () => world.Gates.Pass(0));
        }
    }

    private void Crash(SimulatedWorld world, Gate gate, CrashKind kind)
    {
        if (kind != CrashKind.Before || !plan.Late)
        {
            world.Gates.Take(0);
        }

        world.Trace($"{gate.Owner.Label} {gate.What}: crash ({kind})");
        switch (kind)
        {
            case CrashKind.After: gate.PassUnseen(); break;
            case CrashKind.TornAtStart: gate.Tear?.Invoke(20); break;
            case CrashKind.TornInMiddle: gate.Tear?.Invoke(500); break;
            case CrashKind.TornAtEnd: gate.Tear?.Invoke(980); break;
        }

        world.Kill(gate.Owner);
    }

    /// <summary>Lets a silo act, and die if it was to die after its last call.</summary>
    private void Do(SimulatedWorld world, Action action)
    {
        action();
        if (_dying is { Runs: true } silo)
        {
            world.Kill(silo);
        }

        _dying = null;
    }

    /// <summary>Counts a step. Says when the silo that takes it dies, or null when it lives on.</summary>
    private CrashKind? Count(SimulatedWorld world, SimulatedSilo silo, string what, bool append = false)
    {
        Steps++;
        world.Trace($"step {Steps}: {silo.Label} {what}");
        if (append)
        {
            Appends.Add(Steps);
        }

        if (_next == plan.Points.Count || plan.Points[_next].Step != Steps)
        {
            return null;
        }

        CrashKind kind = plan.Points[_next++].Kind;
        if (kind != CrashKind.Other)
        {
            return kind;
        }

        if (world.Silos.FirstOrDefault(s => s.Runs && s != silo) is { } other)
        {
            world.Kill(other);
        }

        return null;
    }

    private void StartMissing(SimulatedWorld world)
    {
        foreach (string name in world.Membership.Names)
        {
            if (world.Silos.Any(s => s.Name == name && s is { Runs: true, DeclaredDead: false }))
            {
                _missing.Remove(name);
            }
            else if (_missing.TryGetValue(name, out int since) && _round - since >= RestartRounds)
            {
                _missing.Remove(name);
                Do(world, () => world.StartSilo(name));
            }
            else
            {
                _missing.TryAdd(name, _round);
            }
        }
    }
}
