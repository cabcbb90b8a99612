namespace OrleansStreaming.Core;

/// <summary>One step of the loop: timers, turns, sinks and checkpoints, sends, the flush, acknowledgements.</summary>
internal sealed partial class Silo
{
    /// <summary>What a partition delivers before others have their turn and the clock is looked at, rows.</summary>
    private const int MaxShare = 512;

    private void StepOnce()
    {
        if (Phase is SiloPhase.Starting or SiloPhase.Stopped)
        {
            RunTimers();
            return;
        }

        RunTimers();
        TakeHeld();
        IReadOnlyList<Partition> active = Ownerships.Active;
        long started = Ports.TicksMicros;
        int budget = DeliverAll(active, started + Options.StepMicros);
        Pace.Worked(Ports.TicksMicros - started);
        _nextPartition++;
        for (int i = 0; i < active.Count; i++)
        {
            if (!active[i].Lost)
            {
                active[i].StepRest();
            }
        }

        Ownerships.Step();
        Outbox.Transmit();
        _moreToDo = budget <= 0 || HasMore(active);
        Flush();
        SendAcks();
    }

    /// <summary>
    /// Delivers until nothing is left or a step's work or time is done; returns what is left of the work. What one operator emits reaches
    /// the next in the same step, so that all hops of an event share a frame: a flush in between would cost it another one.
    /// A partition with nothing left takes more from sources, all together about as much as one step can do.
    /// </summary>
    private int DeliverAll(IReadOnlyList<Partition> active, long until)
    {
        int budget = Options.RowsPerStep, admissible = budget, share = Math.Clamp(budget / Math.Max(1, active.Count), 64, MaxShare);
        bool more = true;
        while (more && budget > 0 && Phase != SiloPhase.Stopped)
        {
            more = false;
            for (int i = 0; i < active.Count && budget > 0; i++)
            {
                if (more && Ports.TicksMicros >= until)
                {
                    return 0;
                }

                Partition partition = active[(_nextPartition + i) % active.Count];
                if (partition.Lost)
                {
                    continue;
                }

                int done = partition.Deliver(share), admitted = done == 0 && admissible > 0 ? partition.Admit() : 0;
                budget -= done;
                admissible -= admitted;
                more |= done > 0 || admitted > 0;
            }
        }

        return budget;
    }

    private static bool HasMore(IReadOnlyList<Partition> active)
    {
        for (int i = 0; i < active.Count; i++)
        {
            if ((active[i].HasWork && !active[i].Waits) || active[i].Checkpoints.HasWork || active[i].CanAdmit)
            {
                return true;
            }
        }

        return false;
    }

    private void RunTimers()
    {
        long now = NowMs;
        while (_timers.TryPeek(out Action? action, out long due) && due <= now)
        {
            _timers.Dequeue();
            action();
        }

        while (_wallTimers.TryPeek(out Action? action, out long due) && due <= WallMicros)
        {
            _wallTimers.Dequeue();
            action();
        }
    }

    private void SendAcks()
    {
        foreach (Partition partition in _ackDue)
        {
            if (!partition.Lost)
            {
                partition.SendAcks();
            }
        }

        _ackDue.Clear();
    }

    private void Flush()
    {
        if (Journal.Flushing || !Journal.HasUnflushed || NowMs - _lastFlushMs < Options.FlushEveryMs || _writer is null)
        {
            return;
        }

        // A flush costs the same for little as for much. While there is more to do anyway, nobody waits any longer for it.
        if ((_hasInput || _moreToDo) && NowMs == _lastFlushMs && Journal.UnflushedBytes < Options.FlushBytesWhileBusy)
        {
            return;
        }

        if (Journal.BeginFlush(SealVersion) is { } flush)
        {
            _lastFlushMs = NowMs;
            Append(flush);
        }
    }

    private AppendRequest? _append;

    private void Append(Journal.Flush flush)
    {
        _append ??= new AppendRequest(this, _writer!);
        _append.Flush = flush;
        Ports.Append(_append);
    }

    private void Appended(Journal.Flush flush, Exception? error)
    {
        switch (error)
        {
            case null:
                if (_troubles.Remove(Journal.Name))
                {
                    Log.StorageRecovered(Name);
                }

                Journal.EndFlush(flush);
                Counters.JournalBytes = Journal.FlushedBytes;
                foreach (Partition partition in Ownerships.Active)
                {
                    partition.JournalAdvanced();
                }

                Broadcast(journal => new WatermarkMessage(Journal.Id, SealVersion, Journal.Durable));
                break;
            case StorageFullException:
                if (!_troubles.ContainsKey(Journal.Name))
                {
                    Log.StorageFull(Name, Journal.Name, error);
                }

                ReportStorageTrouble(Journal.Name, error);
                After(Options.StorageRetryMs * 4, () => Append(flush));
                break;
            case JournalFencedException:
                Stop("its journal has been sealed: another silo has taken its partitions over", error);
                break;
            case not null when Mutations.RetryFlush:
                After(Options.StorageRetryMs, () => Append(flush));
                break;
            default:
                // The page cache may have dropped what the flush failed on: never try again, start over.
                Stop("a flush failed", error);
                break;
        }
    }

    /// <summary>The append under way; there are thousands a second, and one at a time.</summary>
    private sealed class AppendRequest(Silo silo, IJournalWriter writer) : Request($"append to {silo.Journal.Name}")
    {
        public Journal.Flush? Flush { get; set; }

        protected override ValueTask ExecuteAsync(IStorage storage, CancellationToken cancellationToken) => writer.AppendAsync(Flush!.Frames, cancellationToken);

        protected override void Done(Exception? error) => silo.Appended(Flush!, error);
    }
}
