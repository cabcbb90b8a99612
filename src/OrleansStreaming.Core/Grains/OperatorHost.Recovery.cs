namespace OrleansStreaming.Core;

/// <summary>Takes grains back, and brings them forward again from the log.</summary>
internal sealed partial class OperatorHost
{
    /// <summary>So many grains one step looks at, to forget what they depended on; some of them in vain.</summary>
    private const int MostSwept = 4096;
    private const int MostSweptInVain = 16;

    /// <summary>Grains that depended on other journals when last looked at: a seal visits these only.</summary>
    private readonly UndoLog _undo;
    private readonly List<Grain> _catchUp = [];
    private int _catchingUp;

    /// <summary>A bit for each of them, by its hash: most rows of a pass are told from theirs without touching a grain.</summary>
    private readonly ulong[] _catchUpHashes = new ulong[64];
    private long _sweptMs;
    private long _sweptVersion;
    private LogCursor _catchUpCursor;

    /// <summary>
    /// Applies a seal: grains that depend on a lost record go back to their newest version without it. Adds what was done to
    /// the report.
    /// </summary>
    public void RollBackOrphans(RollbackReport report)
    {
        _halted = null; // What stopped it may be void now; if not, it stops it again.
        for (long i = _undo.First, end = _undo.End; i < end; i++)
        {
            if (_undo.GrainAt(i) is { } grain
                && ((_silo.Journals.FirstLost(grain.Foreign, out Dependency lost) && !Mutations.KeepOrphanedGrains) || (Mutations.RollBackAll && grain.Foreign is not null)))
            {
                report.Add(this, grain, lost);
                Rollback(grain);
            }
        }

        // A running turn depends on its record as well as on its grain.
        foreach (Turn turn in _silo.TurnsOf(this))
        {
            if (!turn.Discarded && turn.Grain.Turn == turn && !Mutations.KeepOrphanedTurns)
            {
                if (turn.Input.Block.IsVoid(turn.Input.Slot))
                {
                    report.Add(this, turn.Grain, turn.Input.Block.Slots[turn.Input.Slot - 1].Lost);
                    Rollback(turn.Grain);
                }
            }
        }
    }

    /// <summary>Grains replay.</summary>
    public bool IsCatchingUp => _catchingUp > 0;

    /// <summary>
    /// Forgets dependencies that have become durable. Those that are looked at were the first to get theirs, and are looked at as
    /// soon as they may have lost them: grains and copies are still in the caches then, and few copies are in use. A step looks at no more than a
    /// few in vain.
    /// </summary>
    public void SweepSome()
    {
        if (_undo.Count == 0 || (_sweptVersion == _silo.Journals.Version && _sweptMs == _silo.NowMs))
        {
            return;
        }

        _sweptMs = _silo.NowMs;
        _sweptVersion = _silo.Journals.Version;
        for (int left = Math.Min(_undo.Count, MostSwept), vain = MostSweptInVain; left > 0 && vain > 0; left--)
        {
            if (_undo.Peek() is { Foreign: { } foreign } grain)
            {
                grain.Foreign = foreign.Prune(_silo.Journals);
                if (grain.Foreign is not null)
                {
                    _undo.Requeue();
                    vain--;
                    continue;
                }
            }

            _undo.Drop();
        }
    }

    /// <summary>Takes a grain back to its copy in memory, else to its committed checkpoint; it then replays its own events.</summary>
    public void Rollback(Grain grain)
    {
        if (grain.Turn is { } turn)
        {
            turn.Discarded = true;
            grain.Turn = null;
        }

        _silo.Probe?.GoingBack(this, grain);
        ClearMailbox(grain);
        StopCatchUp(grain);
        grain.Generation++;
        grain.Behind = true;
        grain.Foreign = null;

        // A discarded asynchronous turn still runs on the old instance, which is never handed an event again.
        grain.Instance = null;
        if (_undo.TryFind(grain, out UndoEntry undo) && grain.Committed <= undo.Position)
        {
            OperatorGrain? instance = Type.Create(grain.Key, _silo.Ports.Services);
            _undo.Restore(grain, instance);
            _undo.Remove(grain);
            grain.Pending = undo.Pending;
            grain.Position = undo.Position;
            grain.OwnLsn = undo.OwnLsn;
            _silo.Probe?.Restored(this, grain, undo.Position);
            Started(grain, instance);
            return;
        }

        _undo.Remove(grain);
        grain.Pending = null;
        grain.OwnLsn = 0;
        grain.Position = Math.Max(grain.Committed, Offset.None.Value);
        grain.Phase = GrainPhase.Absent;
        if (grain.Committed == Offset.None.Value)
        {
            _silo.Probe?.Restored(this, grain, grain.Position);
        }

        Activate(grain);
    }

    /// <summary>Drops grains that are behind their committed checkpoint, before anything relies on that being the latest.</summary>
    public void CatchUpWithCheckpoint(Grain grain, long committed)
    {
        if (grain.Position < committed && !Mutations.StayBehind)
        {
            _undo.Remove(grain); // What it was before is further behind.
            Rollback(grain);
        }
    }

    private void FallBehind(Grain grain)
    {
        ClearMailbox(grain);
        grain.Behind = true;
    }

    private void StartCatchUp(Grain grain)
    {
        grain.Behind = true;
        LogCursor from = LogCursor.After(_partition.Log, grain.Position);
        if (_catchingUp == 0 || !from.Reached(_catchUpCursor))
        {
            _catchUpCursor = from;
        }

        _catchUpHashes[(grain.Hash >> 6) & 63] |= 1UL << (int)(grain.Hash & 63);
        if (!grain.CatchingUp)
        {
            grain.CatchingUp = true;
            _catchingUp++;
            _catchUp.Add(grain);
        }
    }

    private void StopCatchUp(Grain grain)
    {
        if (grain.CatchingUp)
        {
            grain.CatchingUp = false;
            _catchingUp--;
        }
    }

    /// <summary>One pass over the log for all grains that are behind, up to where the others are.</summary>
    private int CatchUp(int budget)
    {
        int done = 0;
        while (_catchingUp > 0 && done < budget && !_partition.TurnsStopped && !(_elsewhere && _silo.TurnsWaitElsewhere))
        {
            if (_catchUpCursor.Reached(_cursor))
            {
                EndCatchUp();
                break;
            }

            if (!_catchUpCursor.TryPeek(_partition.Log, _silo, out LogBlock? block, out Row row, out int start, out int length, out long offset))
            {
                if (_catchUpCursor.AtEnd(_partition.Log))
                {
                    EndCatchUp();
                }

                break;
            }

            bool isVoid = block.IsVoid(row.Slot);
            if (!isVoid && _partition.Stream.Strict && !Mutations.ReplayUnstable && !_silo.IsStable(block, row.Slot))
            {
                break;
            }

            _catchUpCursor.Move(length);
            done++;
            if (isVoid || !IsFor(in row) || offset > CursorOffset)
            {
                continue;
            }

            ulong hash = KeyHash.Compute(row.Key);
            Grain? grain = (_catchUpHashes[(hash >> 6) & 63] >> (int)(hash & 63) & 1) != 0 ? Grains.Find(hash, row.Key) : null;
            if (grain is not { CatchingUp: true, Phase: GrainPhase.Ready } || offset <= grain.Position)
            {
                continue;
            }

            if (grain is { Turn: null, Mailbox: not { Count: > 0 } })
            {
                _silo.Counters.Replayed++;
                Run(grain, new Input(block, start, offset, in row), in row);
            }
            else if (grain.Mailbox is not { } mailbox || mailbox.Count < _silo.Options.MaxMailbox)
            {
                Enqueue(grain, new Input(block, start, offset, in row)); // For when its turn ends.
            }
            else
            {
                StopCatchUp(grain); // It goes on from here when it has taken what waits.
            }
        }

        return done;
    }

    private void EndCatchUp()
    {
        List<Grain> done = [.. _catchUp];
        _catchUp.Clear();
        Array.Clear(_catchUpHashes);
        foreach (Grain grain in done)
        {
            if (!grain.CatchingUp)
            {
                continue;
            }

            StopCatchUp(grain);
            grain.Behind = false;
            AnswerReads(grain);
        }
    }
}
