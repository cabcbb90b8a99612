using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>The phase without faults: everything must come to rest.</content>
internal sealed partial class SimulatedWorld
{
    private const int MaxQuietSteps = 400_000;
    private const long MaxQuietMs = 120_000;

    private const int BusyStepMs = 10;

    /// <summary>Nothing happens but that silos ask storage for news.</summary>
    private const int QuietStepMs = 60;

    /// <summary>Timers may set timers, for ever.</summary>
    private const int MaxJumps = 100;

    /// <summary>No more faults: everything drains within bounded time, and is then what it should be.</summary>
    private void Settle()
    {
        if (Failure is not null)
        {
            return;
        }

        Trace($"--- no more faults");
        Faulty = false;
        Membership.PlanAll();
        EndStops();
        if (Random.Chance(Scenario.StopAtEnd))
        {
            StopAllAtOnce();
        }

        long started = NowMs, quietSince = -1;
        int steps = 0, jumps = 0;
        bool timersGoOn = false;
        while (Failure is null && InTime(steps))
        {
            StartMissing();
            bool busy = Round(longestMs: quietSince < 0 ? BusyStepMs : QuietStepMs);
            foreach (SimulatedProducer producer in Producers)
            {
                producer.Act(mayStartNew: false);
            }

            busy |= !Oracle.Progress.IsQuiet();
            quietSince = busy ? -1 : quietSince < 0 ? NowMs : quietSince;
            if (quietSince >= 0 && NowMs - quietSince > Scenario.QuietMs)
            {
                if (Oracle.Progress.NextTimer() is not { } due)
                {
                    break;
                }

                if (jumps++ == MaxJumps)
                {
                    timersGoOn = true;
                    break;
                }

                NowMs = Math.Max(NowMs, due);
                started = NowMs;
                quietSince = -1;
            }

            Totals.Steps++;
            if (++steps > MaxQuietSteps || NowMs - started > MaxQuietMs)
            {
                Oracle.Progress.NotQuiet(NowMs - started);
            }
        }

        if (Failure is null)
        {
            var fold = new FinalFold(Oracle);
            if (Failure is null)
            {
                ReadAll(fold);
                CheckAtEnd(fold, timersGoOn);
            }
        }
    }

    private void StartMissing()
    {
        foreach (string name in Membership.Names)
        {
            if (!_silos.Exists(s => s.Name == name && !s.DeclaredDead))
            {
                StartSilo(name);
            }
        }
    }

    /// <summary>All silos stop in good order, while they may still have much to do; the world then settles with new ones.</summary>
    private void StopAllAtOnce()
    {
        for (int i = Random.Between(0, 40); i > 0 && Failure is null; i--)
        {
            StartMissing();
            Round();
        }

        Trace($"--- all stop");
        foreach (SimulatedSilo silo in _silos.Where(static s => s is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 }).ToArray())
        {
            ShutDown(silo);
        }

        EndStops();
    }

    /// <summary>Those that are to stop do so before others are started in their place.</summary>
    private void EndStops()
    {
        while (Failure is null && _silos.Exists(static s => s is { DeclaredDead: false, ShuttingDown: true }) && InTime(Totals.Steps++))
        {
            Round();
            foreach (SimulatedProducer producer in Producers)
            {
                producer.Act(mayStartNew: false);
            }
        }
    }

    private void CheckAtEnd(FinalFold fold, bool timersGoOn)
    {
        Oracle.Release.CheckReleased();
        Oracle.Names.CheckAtEnd(fold);
        if (Failure is null)
        {
            Oracle.Outputs.CheckAtEnd(fold);
            Oracle.Progress.CheckAtEnd(fold, timersGoOn);
        }
    }

    /// <summary>Everybody does all that there is to do. Returns whether messages were on their way.</summary>
    private bool Round(bool warmUp = false, int longestMs = BusyStepMs)
    {
        bool busy = false;
        Membership.Update();

        // The first view that a silo hears of has all of them, so that partitions are spread.
        if (!warmUp || Membership.IsComplete)
        {
            foreach (SimulatedSilo silo in _silos.ToArray())
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

        RunAll();
        NowMs += Random.Between(1, longestMs);
        return busy;
    }

    private void RunAll()
    {
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
    }

    /// <summary>Every grain's state, through the front door.</summary>
    private void ReadAll(FinalFold fold)
    {
        int left = 0;
        foreach (OperatorDefinition op in Topology.Operators)
        {
            int stream = op.From.Id;
            var keys = Oracle.Records.Where(r => PartitionId.StreamId(r.Partition) == stream).Select(r => (r.Partition, r.Key)).Distinct().ToList();
            foreach ((int partition, int key) in op.GrainType is null ? [] : keys)
            {
                if (Failure is null && _silos.Find(s => s.Silo.Ownerships.Find(partition) is not null) is { } owner)
                {
                    left++;
                    Read(owner, op, partition, key, stable: true, answer =>
                    {
                        left--;
                        Oracle.Folds.CheckFinal(fold, op, key, answer);
                    });
                }
            }
        }

        for (int i = 0; i < 2000 && left > 0 && Failure is null; i++)
        {
            Round();
        }

        if (left > 0)
        {
            Oracle.Progress.Unanswered(left);
        }
    }
}
