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
        world.Trace($"fault {_next - 1}: {kind}");
        world.Totals.Count(kind);
    }
}
