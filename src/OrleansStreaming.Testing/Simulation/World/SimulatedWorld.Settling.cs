using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The phase without faults: everything must come to rest.</summary>
internal sealed partial class SimulatedWorld
{
    /// <summary>No more faults: everything drains within bounded time.</summary>
    private void Settle()
    {
        if (Failure is not null)
        {
            return;
        }

        Trace("--- no more faults");
        Faulty = false;
        Membership.PlanAll();
        long started = NowMs, quietSince = -1;
        int steps = 0;
        while (Failure is null && InTime())
        {
            foreach (string name in Membership.Names)
            {
                if (!_silos.Any(s => s.Name == name && s.Runs && !s.DeclaredDead))
                {
                    StartSilo(name);
                }
            }

            bool busy = Round();
            foreach (SimulatedProducer producer in _producers)
            {
                producer.Act(mayStartNew: false);
                busy |= !producer.IsDone;
            }

            busy |= _silos.Any(s => s.Runs && (s.DeclaredDead || !s.Silo.IsQuiet)) || _producers.Any(p => !p.IsDone)
                || Oracle.PartitionsWithoutOwner() || Oracle.AnythingBehind();
            quietSince = busy ? -1 : quietSince < 0 ? NowMs : quietSince;
            if (quietSince >= 0 && NowMs - quietSince > 1500)
            {
                break;
            }

            Totals.Steps++;
            if (++steps > MaxQuietSteps || NowMs - started > MaxQuietMs)
            {
                Oracle.CheckAtEnd();
                Fail("I8", $"not quiet {NowMs - started} ms after the last fault: {WhyBusy()}");
            }
        }

        ReadAll();
    }

    /// <summary>Everybody does all that there is to do. Returns whether messages were on their way.</summary>
    private bool Round(bool warmUp = false)
    {
        bool busy = false;
        Membership.Update();
        foreach (SimulatedSilo silo in _silos.ToArray())
        {
            // The first view that a silo hears of has all of them, so that partitions are spread.
            if (silo.Runs && (!warmUp || Membership.IsComplete))
            {
                Membership.Tell(silo);
            }
        }

        for (int i = Network.Parcels.Count; i > 0 && Failure is null; i--)
        {
            busy |= Network.Parcels[0].Message is not WatermarkMessage;
            Network.DeliverOne();
        }

        for (int i = Gates.Waiting.Count; i > 0 && Gates.Waiting.Count > 0 && Failure is null; i--)
        {
            Gates.Pass(0);
        }

        foreach (SimulatedSilo silo in _silos.ToArray())
        {
            while (silo.Runs && silo.Completions.Count > 0 && Failure is null)
            {
                Complete(silo, 0);
            }

            while (silo.Runs && silo.EndedTurns.Count > 0 && Failure is null)
            {
                EndTurn(silo, 0);
            }

            if (silo.Runs && Failure is null)
            {
                Step(silo);
            }
        }

        NowMs += Random.Between(1, 10);
        return busy;
    }

    /// <summary>Every grain's state, through the front door.</summary>
    private void ReadAll()
    {
        var wanted = new List<(OperatorDefinition Op, long Key)>();
        foreach (OperatorDefinition op in Scenario.Topology.Operators)
        {
            for (long key = 0; key < Scenario.Keys && op.GrainType is not null; key++)
            {
                wanted.Add((op, key));
            }
        }

        int left = wanted.Count;
        foreach ((OperatorDefinition op, long key) in wanted)
        {
            int partition = PartitionId.Of(op.From, PartitionOf(op.From, key));
            SimulatedSilo? owner = _silos.FirstOrDefault(s => s.Runs && s.Silo.Ownerships.Find(partition) is not null);
            if (owner is null || Failure is not null)
            {
                return;
            }

            Read(owner, op, key, stable: true, (kind, hash) =>
            {
                left--;
                Oracle.CheckFinalState(op, key, kind, hash);
            });
        }

        for (int i = 0; i < 2000 && left > 0 && Failure is null; i++)
        {
            while (Gates.Waiting.Count > 0)
            {
                Gates.Pass(0);
            }

            while (Network.Parcels.Count > 0)
            {
                Network.DeliverOne();
            }

            foreach (SimulatedSilo silo in _silos.ToArray())
            {
                while (silo.Runs && silo.Completions.Count > 0 && Failure is null)
                {
                    Complete(silo, 0);
                }

                if (silo.Runs && Failure is null)
                {
                    Step(silo);
                }
            }

            NowMs += 5;
        }

        if (left > 0)
        {
            Fail("I8", $"{left} reads were never answered");
        }
    }

    private string WhyBusy()
    {
        var why = new List<string>();
        foreach (SimulatedSilo silo in _silos.Where(s => s.Runs))
        {
            if (silo.DeclaredDead)
            {
                why.Add($"{silo.Label} still runs though it was declared dead");
            }

            if (!silo.Silo.IsQuiet)
            {
                why.Add($"{silo.Label} ({silo.Silo.Phase}): unflushed {silo.Silo.Journal.HasUnflushed}, sends {string.Join(' ', silo.Silo.Outbox.Waits.Select(w => $"{PartitionName(w.Partition)}x{w.Batches}"))}, "
                    + $"partitions {string.Join(' ', silo.Silo.Ownerships.Active.Where(p => p.HasWork).Select(p => p.Name))}, loading {silo.Silo.Ownerships.Loading}, faults {string.Join("; ", silo.Silo.Ownerships.Faults.Values)}");
            }
        }

        why.AddRange(_producers.Where(p => !p.IsDone).Select(p => $"{p.Id} is not done"));
        if (Oracle.PartitionsWithoutOwner())
        {
            why.Add($"nobody serves {string.Join(' ', Oracle.Unowned().Select(PartitionName))}");
        }

        why.AddRange(Oracle.Behind());
        return string.Join(" | ", why);
    }
}
