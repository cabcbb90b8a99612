namespace OrleansStreaming.Testing.Simulation;

/// <content>What goes wrong around silos that live on.</content>
internal sealed partial class SimulatedWorld
{
    private void ReplanAll()
    {
        if (Faults.Allows(FaultKind.Replan))
        {
            Faults.Happened(FaultKind.Replan);
            Membership.Replan();
        }
    }

    /// <summary>One way only: the other way is open.</summary>
    private void CutOne()
    {
        if (Membership.Names.Count > 1 && Faults.Allows(FaultKind.NetworkCut))
        {
            Faults.Happened(FaultKind.NetworkCut);
            int from = Random.Below(Membership.Names.Count), to = (from + Random.Between(1, Membership.Names.Count - 1)) % Membership.Names.Count;
            long until = NowMs + Random.Between(20, 600);
            Trace($"nothing comes through from silo{from} to silo{to} until {until}");
            Network.Cut(from, to, until);
        }
    }

    private void SlowOne()
    {
        if (PickRunning() is { } silo && Faults.Allows(FaultKind.SlowStorage))
        {
            Faults.Happened(FaultKind.SlowStorage);
            silo.SlowUntilMs = NowMs + Random.Between(20, 400);
            Trace($"storage does nothing for {silo.Label} until {silo.SlowUntilMs}");
        }
    }

    private void JumpClock()
    {
        if (PickRunning() is { } silo && Faults.Allows(FaultKind.ClockJump))
        {
            Faults.Happened(FaultKind.ClockJump);
            silo.ClockSkew += Random.Between(-3_000_000, 3_000_000);
            Trace($"{silo.Label} has its clock set: {silo.ClockSkew} us");
        }
    }
}
