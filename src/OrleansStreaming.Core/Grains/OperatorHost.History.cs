namespace OrleansStreaming.Core;

/// <summary>
/// Brings grains back for a history that is to be repeated, some blocks of it at a time: in the order in which checkpoints have
/// them, not in that of their events. Each part of a run is then read once for all of them; in the order of events, as soon as
/// the runs do not fit into the cache, it would be read again for nearly each.
/// </summary>
internal sealed partial class OperatorHost
{
    /// <summary>So many blocks are looked at ahead. Few enough to be in memory.</summary>
    private const int RoundBlocks = 24;

    private const long LongestWaitMs = 1000;

    /// <summary>The grains of a round, to be looked up; each as it was when it was found.</summary>
    private readonly List<(Grain Grain, int Generation)> _round = [];
    private LogCursor _roundCursor;

    /// <summary>The last row of the round that has been looked at; none before its first.</summary>
    private long _roundTo = Offset.None.Value;

    /// <summary>How many of the round's grains have been looked up; below 0 while they are gathered.</summary>
    private int _askedFor = -1;

    /// <summary>How many of them have come, before the first that has not.</summary>
    private int _arrived;
    private long _askedMs;

    /// <summary>Events up to here may be handed out.</summary>
    private long _deliverTo = long.MaxValue;

    /// <summary>The grains of a round have come, and nobody has noticed yet.</summary>
    public bool HasRoundToEnd => _askedFor >= 0 && _askedFor == _round.Count && _halted is null && HasCome();

    /// <summary>Goes on with the round, unless it is being handed out; returns what it has done, in rows and grains.</summary>
    private int BringBack(int budget)
    {
        if (CursorOffset < _deliverTo || _partition.TurnsStopped || _halted is not null)
        {
            return 0;
        }

        int done = _askedFor < 0 ? Gather(budget) : 0;
        return _askedFor < 0 ? done : done + AskFor(Math.Min(budget, _silo.Options.LoadsPerStep));
    }

    /// <summary>Finds the grains of the next blocks.</summary>
    private int Gather(int budget)
    {
        PartitionLog log = _partition.Log;
        Lookahead ahead = _silo.Lookahead;
        if (_roundTo < 0)
        {
            _roundCursor = _cursor;
            _roundTo = CursorOffset;
        }

        int done = 0;
        while (done < budget && _roundTo < _partition.HistoryEnd && _roundCursor.Sequence - _cursor.Sequence < RoundBlocks)
        {
            if (!_roundCursor.TryEnter(log, _silo, out LogBlock? block, out int start, out int index))
            {
                if (_roundCursor.AtEnd(log))
                {
                    _roundTo = _partition.HistoryEnd; // The rest of it is not there any more.
                }

                break; // Or it has to come back to memory first.
            }

            int count = ahead.Read(Grains, block, start, Math.Min(block.Count - index, budget - done));
            for (int i = 0; i < count; i++)
            {
                ref readonly Lookahead.Entry next = ref ahead[i];
                next.Row.In(block.Rows[next.Start..], out Row row);
                if (!block.IsVoid(row.Slot) && IsFor(in row))
                {
                    Note(FindOrCreate(next.Grain, next.Hash, row.Key));
                }

                _roundCursor.Move(next.Row.Length);
            }

            _roundTo = block.First.Value + index + count - 1;
            done += count;
        }

        ahead.Clear();
        if (_roundTo >= _partition.HistoryEnd || _roundCursor.Sequence - _cursor.Sequence >= RoundBlocks)
        {
            _round.Sort(static (a, b) => a.Grain.Hash.CompareTo(b.Grain.Hash));
            _askedFor = 0;
        }

        return done;
    }

    private void Note(Grain grain)
    {
        if (grain is { Phase: GrainPhase.Absent, Behind: false } && grain.Committed != Offset.None.Value)
        {
            BeginLoading(grain);
            _round.Add((grain, grain.Generation));
        }
    }

    /// <summary>Looks some of them up. When all have come, their events are handed out; where there are few, at once.</summary>
    private int AskFor(int most)
    {
        int done = 0;
        for (; done < most && _askedFor < _round.Count; done++, _askedFor++)
        {
            (Grain grain, int generation) = _round[_askedFor];
            if (grain.Phase == GrainPhase.Loading && grain.Generation == generation)
            {
                _partition.Checkpoints.Loads.Load(this, grain);
            }

            _askedMs = _silo.NowMs;
        }

        if (_askedFor == _round.Count && (_round.Count <= _silo.Options.LoadsUnawaited || HasCome()))
        {
            _round.Clear();
            _askedFor = -1;
            _arrived = 0;
            _deliverTo = _roundTo >= _partition.HistoryEnd ? long.MaxValue : _roundTo;
            _roundTo = Offset.None.Value;
        }

        return done;
    }

    /// <summary>All grains of the round are there, but for those whose checkpoints cannot be read for now, or take long: they alone are waited for then.</summary>
    private bool HasCome()
    {
        while (_arrived < _round.Count && _round[_arrived].Grain.Phase != GrainPhase.Loading)
        {
            _arrived++;
        }

        return _arrived == _round.Count || !_partition.Checkpoints.Loads.IsBusy || _silo.NowMs - _askedMs > LongestWaitMs;
    }
}
