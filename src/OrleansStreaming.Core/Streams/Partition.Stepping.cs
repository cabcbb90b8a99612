namespace OrleansStreaming.Core;

/// <summary>What a partition does in each step of its silo's loop.</summary>
internal sealed partial class Partition
{
    private bool _reading;

    public PlannedMove Move => field ??= new PlannedMove(_silo, this);

    /// <summary>The last record that was there when this owner began.</summary>
    public long HistoryEnd { get; set; } = Offset.None.Value;

    /// <summary>Bytes that some operator has yet to process.</summary>
    public long BacklogBytes
    {
        get
        {
            long slowest = long.MaxValue;
            foreach (OperatorHost host in Hosts)
            {
                slowest = Math.Min(slowest, host.CursorSequence);
            }

            return slowest == long.MaxValue ? 0 : Log.BytesFrom(slowest);
        }
    }

    /// <summary>Nothing can be done until something comes back: a part of the log, an answer of storage, a watermark.</summary>
    public bool Waits => _reading || TurnsStopped || (_idle && !Array.Exists(Hosts, static h => h.HasRoundToEnd));

    /// <summary>Grains are behind, or history has yet to be replayed.</summary>
    public bool IsRecovering => Array.Exists(Hosts, h => h.IsCatchingUp || h.CursorOffset < Math.Min(HistoryEnd, Log.LastOffset));

    private bool _idle;

    public int Deliver(int budget)
    {
        int done = 0;
        foreach (OperatorHost host in Hosts)
        {
            done += host.Deliver(budget);
        }

        _idle = done == 0;
        return done;
    }

    public void StepRest()
    {
        foreach (OperatorHost host in Hosts)
        {
            host.SweepSome();
            host.AnswerReads();
            host.EvictSome();
        }

        foreach (StableReader sink in Sinks)
        {
            sink.Step();
        }

        Checkpoints.Step();
        Log.Trim(_silo.Options.BlocksPerStep, _silo.Journal.SpareBlocks);
        SettleSlots();
        KeepWithinMemory();
    }

    /// <summary>Takes what a channel of this very silo held.</summary>
    public void TakeLocal(SendBatch batch)
    {
        if (batch.Floor is { } floor)
        {
            Duplicates.Raise(floor);
            return;
        }

        batch.Rows.Refresh(_silo.Journals);
        int at = 0;
        for (int i = 0; i < batch.Rows.Count; i++)
        {
            at += Row.Read(batch.Rows.Rows[at..], batch.Rows.BaseTime, out Row row);
            if (batch.Rows.IsVoid(row.Slot))
            {
                continue;
            }

            CausalityVector? vector = batch.Rows.VectorOf(row.Slot)?.Prune(_silo.Journals)?.Without(_silo.Journal.Id);
            if (IsRepeat(in row, out _))
            {
                _silo.Counters.Repeats++;
            }
            else
            {
                _silo.Probe?.TakingBack(batch.Rows, i);
                Append(ref row, vector, SourceOf(in row));
            }
        }
    }

    /// <summary>A planned move was called off.</summary>
    public void Resume()
    {
        foreach (OperatorHost host in Hosts)
        {
            host.Resume();
        }
    }

    /// <summary>Reads a part of the log again that has left memory.</summary>
    public void BringBack(long sequence)
    {
        if (_reading)
        {
            return;
        }

        _reading = true;
        LogBlock block = Log[sequence];
        if (block.ArchivedIn is { } place)
        {
            BringBack(block, place);
            return;
        }

        string journal = _silo.JournalName(block.Journal);
        long to = block.Lsn;
        for (long s = sequence; s < Log.EndSequence && Log[s].Buffer is null && Log[s].Journal == block.Journal && to < block.Lsn + 64; s++)
        {
            to = Log[s].Lsn;
        }

        _silo.Submit(new Request<IReadOnlyList<StoredFrame>>(
            $"read {journal} from {block.Lsn}",
            (storage, cancel) => storage.ReadFramesAsync(journal, block.Lsn, to, 1 << 20, cancel),
            (frames, error) => BroughtBack(block, frames, error)));
    }

    private void BringBack(LogBlock block, ArchivePlace place) => _silo.Submit(new Request<ReadOnlyMemory<byte>>(
        $"read archive {place.Run}",
        (storage, cancel) => storage.ReadRunAsync(place.Run, place.At, place.Length, cancel),
        (bytes, error) =>
        {
            if (Lost)
            {
                return;
            }

            if (error is null && block.Buffer is null)
            {
                try
                {
                    LogBlock read = FrameCodec.Decode(block.Journal, new StoredFrame(block.Lsn, bytes), (_, _) => true)[0];
                    if (Log.FindAfter(block.LastOffset - 1) is var sequence && sequence < Log.EndSequence && Log[sequence] == block)
                    {
                        Log.Restore(sequence, b => b.Restore(read, _silo.Journals));
                    }

                    Log.NoteSlots(block);
                    _silo.Probe?.Refreshed(block);
                }
                catch (CorruptDataException e)
                {
                    error = e;
                }
            }

            if (error is null || Log.FirstSequence > Log.FindAfter(block.LastOffset))
            {
                _silo.Ownerships.Faults.Remove(Id);
                _reading = false;
                return;
            }

            _silo.Log.ReadFailed(_silo.Name, Name, error);
            _silo.Ownerships.Faults[Id] = error.Message;
            _silo.After(error is CorruptDataException ? 5000 : _silo.Options.StorageRetryMs, () => _reading = false);
        }));

    private void BroughtBack(LogBlock wanted, IReadOnlyList<StoredFrame>? frames, Exception? error)
    {
        if (Lost)
        {
            return;
        }

        if (error is null && frames!.Count == 0 && (Manifest.Busy || wanted.ArchivedIn is not null || wanted.LastOffset <= Manifest.Current.TrimmedTo))
        {
            // Trimmed or archived meanwhile, by what this owner has written itself: who asked for it looks again.
            _silo.After(_silo.Options.StorageRetryMs, () => _reading = false);
            return;
        }

        if (error is null && frames!.Count == 0)
        {
            error = new CorruptDataException(_silo.JournalName(wanted.Journal), 0, $"expected records of {Name} that are still needed");
        }

        if (error is null)
        {
            foreach (StoredFrame frame in frames!)
            {
                foreach (LogBlock read in FrameCodec.Decode(wanted.Journal, frame, (partition, _) => partition == Id))
                {
                    long sequence = Log.FindAfter(read.First.Value - 1);
                    if (sequence < Log.EndSequence && Log[sequence] is { Buffer: null } block && block.First == read.First)
                    {
                        Log.Restore(sequence, b => b.Restore(read.Rows));
                    }
                }
            }

            _silo.Ownerships.Faults.Remove(Id);
            _reading = false;
            return;
        }

        _silo.Log.ReadFailed(_silo.Name, Name, error);
        _silo.Ownerships.Faults[Id] = error.Message;
        _silo.After(error is CorruptDataException ? 5000 : _silo.Options.StorageRetryMs, () => _reading = false);
    }

    private long _settledMs;
    private bool _passing;
    private long _keptMs;
    private long _leftBytes;

    private void SettleSlots()
    {
        if (_silo.NowMs - _settledMs >= 200)
        {
            _settledMs = _silo.NowMs;
            Log.SettleSlots(_silo.Journals, _silo.Probe);
            _passing = true;
        }

        _passing = _passing && Duplicates.PassWholeBlocks(_silo.Options.BlocksPerStep);
        Duplicates.Continue();
    }

    /// <summary>
    /// Lets rows leave memory when there are too many: first those that everybody has passed, then those that are farthest ahead. While
    /// a history is repeated there may be twice as many: it has just been read, to be read now, and gets shorter by itself.
    /// </summary>
    private void KeepWithinMemory()
    {
        long budget = _silo.Options.MemoryBudgetBytes / Math.Max(1, _silo.Ownerships.Active.Count);
        if (Log.HeldBytes > budget && IsRecovering)
        {
            budget *= 2;
        }

        bool isDue = _silo.NowMs - _keptMs >= 200;
        if (Log.HeldBytes <= budget || (!isDue && Log.HeldBytes <= _leftBytes + (budget / 8)))
        {
            return;
        }

        long passed = Log.EndSequence, ahead = 0;
        foreach (OperatorHost host in Hosts)
        {
            passed = Math.Min(passed, host.CursorSequence);
            ahead = Math.Max(ahead, host.CursorSequence);
        }

        // Some more than needed, so that it is not done in every step. What was brought back is wanted: it stays for a while.
        long enough = budget - (budget / 8);
        for (long s = Log.FirstHeld; s < passed && Log.HeldBytes > enough; s++)
        {
            EvictRows(s, isDue);
        }

        long far = Math.Max(Math.Max(passed, ahead + 32), Log.FirstSequence);
        for (long s = Log.EndSequence - 1; s >= far && Log.HeldBytes > enough; s--)
        {
            EvictRows(s, isDue);
        }

        _leftBytes = Log.HeldBytes; // What could not leave is not looked at again before there is much more.
        _keptMs = isDue ? _silo.NowMs : _keptMs;
    }

    private void EvictRows(long sequence, bool evenBroughtBack)
    {
        LogBlock block = Log[sequence];
        if (block.Closed && (evenBroughtBack || !block.WasBroughtBack) && _silo.Journals.IsDurable(block.Journal, block.Lsn))
        {
            Log.Evict(sequence);
        }
    }
}
