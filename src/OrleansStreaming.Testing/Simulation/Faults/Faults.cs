namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// The one place that says whether something goes wrong now. Faults are numbered as they come, so that a failing schedule
/// can be run again without some of them.
/// </summary>
internal sealed class Faults(SimulatedWorld world, Reduction reduction)
{
    private int _next;

    /// <summary>How many there have been, those included that were silenced.</summary>
    public int Numbered => _next;

    /// <summary>When something last went wrong; what is asked for in good order does not count, nor what operators do.</summary>
    public long LastMs { get; private set; } = long.MinValue / 2;

    public void GoesWrong() => LastMs = world.NowMs;

    /// <summary>True with a chance of so many in a thousand, while faults happen. Counts it.</summary>
    public bool Strikes(FaultKind kind, int perMille)
    {
        if (!world.Faulty || perMille == 0 || !world.Random.Chance(perMille) || !Allows(kind))
        {
            return false;
        }

        Happened(kind);
        return true;
    }

    /// <summary>Whether a fault that the schedule has come to may happen; the caller counts it when it does.</summary>
    public bool Allows(FaultKind kind)
    {
        int number = _next++;
        return !reduction.Silences(kind, number);
    }

    public void Happened(FaultKind kind)
    {
        if (kind is not (FaultKind.Shutdown or FaultKind.ShutdownAll or FaultKind.RollingRestart or FaultKind.Replan or FaultKind.ClockSkew or FaultKind.Throw))
        {
            GoesWrong();
        }

        world.Trace($"fault {_next - 1}: {kind}");
        world.Totals.Count(kind);
    }
}
