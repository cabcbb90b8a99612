using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>I8: when faults stop, everything acknowledged is processed and released, in bounded time.</summary>
internal sealed class ProgressChecker(Oracle oracle) : Checker(oracle, "I8")
{
    /// <summary>Attempts after which an operator is taken to throw for ever.</summary>
    private const int MostAttempts = 12;

    /// <summary>A silo's clock may be behind by so much.</summary>
    private const long MaxSkewMicros = 10_000_000;

    /// <summary>Gives a partition up; whoever reads it meanwhile is sent on.</summary>
    private static bool IsMoving(SimulatedSilo silo)
    {
        foreach (Partition partition in silo.Silo.Ownerships.Active)
        {
            if (partition.Move.Phase != MovePhase.None)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Nothing is under way and nobody waits, as far as one can see.</summary>
    public bool IsQuiet()
    {
        foreach (SimulatedSilo silo in World.Silos)
        {
            if (silo.Runs && (silo.DeclaredDead || !silo.Silo.IsQuiet || IsMoving(silo)))
            {
                return false;
            }
        }

        return World.Producers.All(p => p.IsDone) && !Unowned().Any() && !Behind().Any();
    }

    /// <summary>Partitions that nobody serves.</summary>
    public IEnumerable<int> Unowned()
    {
        foreach (StreamDefinition stream in World.Topology.Streams)
        {
            for (int i = 0; i < stream.PartitionCount; i++)
            {
                int id = PartitionId.Of(stream, i);
                bool owned = false;
                foreach (SimulatedSilo silo in World.Silos)
                {
                    owned |= silo is { Runs: true, DeclaredDead: false } && silo.Silo.Ownerships.Find(id) is { Closed: false };
                }

                if (!owned)
                {
                    yield return id;
                }
            }
        }
    }

    /// <summary>When the next timer of any grain is due, in the world's milliseconds; null when none is set.</summary>
    public long? NextTimer()
    {
        long? next = null;
        foreach (SimulatedSilo silo in World.Silos)
        {
            foreach (OperatorHost host in silo.Silo.Ownerships.Active.SelectMany(p => p.Hosts))
            {
                host.Grains.Sweep(0, int.MaxValue, grain =>
                {
                    foreach (PendingRequest timer in grain.Pending ?? [])
                    {
                        long due = World.NowMs + ((timer.Due - World.WallMicros) / 1000) + 1;
                        next = next is null || due < next ? due : next;
                    }
                });
            }
        }

        return next;
    }

    /// <summary>Finds operators that do what no simulation can run: they await the outside world, or can never go on.</summary>
    public void CheckRunnable()
    {
        if (!World.Scenario.Workload.RunsTwice)
        {
            return;
        }

        if (World.WentElsewhere is { } what)
        {
            World.Fail("limit", $"'{what}' does not complete at once. In a simulation time is virtual: give it a fake that answers at once");
        }

        foreach (SimulatedSilo silo in World.Silos)
        {
            foreach (OperatorHost host in silo.Silo.Ownerships.Active.SelectMany(p => p.Hosts))
            {
                string name = host.Type.Definition.Name;
                host.Grains.Sweep(0, int.MaxValue, grain =>
                {
                    if (grain.Turn is { } turn and not HostedTurn { HasBegun: false } && !silo.EndedTurns.Contains(turn))
                    {
                        World.Fail("limit", ReferenceOperator.NotAtOnce(name));
                    }

                    if (grain.Failed is { Attempts: > MostAttempts } failed && host.Type.Definition.Options.OnFailure is FailurePolicy.Stop or FailurePolicy.StopPartition)
                    {
                        World.Fail("limit", $"operator '{name}' keeps throwing on key {host.Type.KeyText(grain.Key)} ({failed.Failure?.GetType().Name}: {failed.Failure?.Message}), and its policy is {host.Type.Definition.Options.OnFailure}: "
                            + "it never goes on, and nothing behind can be checked. Give the simulation events that it can process, or choose DeadLetter or Skip");
                    }
                });
            }
        }
    }

    public void NotQuiet(long elapsedMs) => Fail($"not quiet {elapsedMs} ms after the last fault: {string.Join(" | ", Why())}");

    /// <summary>A graceful stop does not end, though nothing goes wrong any more.</summary>
    /// <param name="silo">Who is to stop.</param>
    /// <param name="died">A silo has died meanwhile: what was sent to its partitions may have no owner before the next start, and the stop is given up.</param>
    /// <param name="where">How far it has come.</param>
    public void CheckStop(SimulatedSilo silo, bool died, string where)
    {
        bool sendsWait = World.Silos.Any(s => s.Silo.Outbox.Waits.Any(w => w.Batches > w.Floors && Unowned().Contains(w.Partition)));
        if (!(died && sendsWait))
        {
            Fail($"{silo.Label} does not stop, {where}: {string.Join(" | ", Why())}, moves {string.Join(' ', World.Silos.SelectMany(s => s.Silo.Ownerships.Active.Select(p => $"{s.Label}:{p.Name}:{p.Move.Phase}")))}");
        }
    }

    public void Unanswered(int reads) => Fail($"{reads} reads were never answered");

    public void Refused(SimulatedProducer producer, IngestResult result) => Fail($"{producer.Id} was answered {result}");

    public void TooSlow(long steps) => Fail($"the schedule takes too long: {steps} steps");

    /// <summary>When everything has come to rest: no grain waits for anything.</summary>
    /// <param name="fold">What all grains should be.</param>
    /// <param name="timersGoOn">Timers set timers for ever: one that is due some time is none too many. Otherwise one that is left has been forgotten.</param>
    public void CheckAtEnd(FinalFold fold, bool timersGoOn)
    {
        foreach (((int op, int key), GrainVersion version) in fold.Versions)
        {
            if (version.Pending.Any(p => p.Kind != RecordKind.Timer || !timersGoOn || p.Due < World.WallMicros - MaxSkewMicros))
            {
                Fail($"op{op}/{Oracle.Keys.Text(key)} still waits for {string.Join(' ', version.Pending)}");
            }
        }
    }

    /// <summary>Grains and sinks that have not come to the end of what they read.</summary>
    private IEnumerable<string> Behind()
    {
        foreach (SimulatedSilo silo in World.Silos)
        {
            if (!silo.Runs || silo.DeclaredDead)
            {
                continue;
            }

            foreach (Partition partition in silo.Silo.Ownerships.Active)
            {
                foreach (OperatorHost host in partition.Hosts)
                {
                    Grain? behind = null;
                    host.Grains.Sweep(0, int.MaxValue, grain =>
                    {
                        bool waits = grain.Phase is GrainPhase.Loading or GrainPhase.BackingOff || grain.Behind || grain.Turn is not null
                            || grain.Mailbox is { Count: > 0 } || grain.Pending?.Exists(p => p.Kind != RecordKind.Timer || p.Due <= World.WallMicros) == true;
                        behind = waits ? grain : behind;
                    });
                    if (behind is not null)
                    {
                        yield return $"{silo.Label}: {host.Type.Definition.Name}/{host.Type.KeyText(behind.Key)} of {partition.Name} at {new Offset(behind.Position)} is {behind.Phase}{(behind.Behind ? ", behind" : "")}, waits for {string.Join(' ', behind.Pending ?? [])}"
                            + (behind.Failed?.Failure is { } failure ? $", threw {failure.GetType().Name}: {failure.Message}" : "");
                    }
                }

                foreach (SinkRunner sink in partition.Sinks)
                {
                    if (sink.HasWork || sink.Phase != SinkPhase.Ready)
                    {
                        yield return $"{silo.Label}: sink {sink.Definition.Name} of {partition.Name} is {sink.Phase} at {new Offset(sink.Position)}: {sink.LastError?.Message}";
                    }
                }
            }
        }
    }

    private List<string> Why()
    {
        var why = new List<string>();
        foreach (SimulatedSilo silo in World.Silos)
        {
            if (silo is { Runs: true, DeclaredDead: true })
            {
                why.Add($"{silo.Label} still runs though it was declared dead");
            }

            if (silo.Runs && !silo.Silo.IsQuiet)
            {
                why.Add($"{silo.Label} ({silo.Silo.Phase}): unflushed {silo.Silo.Journal.HasUnflushed}, sends {string.Join(' ', silo.Silo.Outbox.Waits.Select(w => $"{World.PartitionName(w.Partition)}x{w.Batches}"))}, "
                    + $"partitions {string.Join(' ', silo.Silo.Ownerships.Active.Where(p => p.HasWork).Select(p => p.Name))}, loading {silo.Silo.Ownerships.Loading}, faults {string.Join("; ", silo.Silo.Ownerships.Faults.Values)}");
            }
        }

        why.AddRange(World.Producers.Where(p => !p.IsDone).Select(p => $"{p.Id} is not done"));
        if (Unowned().Any())
        {
            why.Add($"nobody serves {string.Join(' ', Unowned().Select(World.PartitionName))}");
        }

        why.AddRange(Behind());
        return why;
    }
}
