using OrleansStreaming.Core;

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

    /// <summary>Tells a silo of the grain that it was told to let go of the last time, as such news comes late; by then that may have left, or be in use.</summary>
    private void UnseatOne()
    {
        if (PickRunning() is not { } silo || silo.Silo.Ownerships.Active is not { Count: > 0 } partitions || !Faults.Allows(FaultKind.Unseat))
        {
            return;
        }

        if (silo.Unseating is { } late)
        {
            Faults.Happened(FaultKind.Unseat);
            Trace($"{silo.Label} need not keep grain {late.Grain.Hash:x} of {late.Host.Type.Definition.Name}");
            late.Host.Unseated(late.Grain);
        }

        silo.Unseating = null;
        if (Random.PickFrom(partitions).Hosts is not { Length: > 0 } hosts)
        {
            return;
        }

        OperatorHost host = Random.PickFrom(hosts);
        Grain? last = null;
        host.Grains.Sweep(Random.Below(host.Grains.Capacity), host.Grains.Capacity, grain => last = grain.Seat is null ? last : grain);
        silo.Unseating = last is null ? null : (host, last);
    }
}
