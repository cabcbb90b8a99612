namespace OrleansStreaming.Core;

/// <summary>Brings grains into memory, and lets them leave it.</summary>
internal sealed partial class OperatorHost
{
    /// <summary>Brings a grain into memory: a new instance, or its committed checkpoint.</summary>
    private void Activate(Grain grain)
    {
        if (grain.Committed == Offset.None.Value)
        {
            LoadedNothing(grain);
            return;
        }

        BeginLoading(grain);
        _partition.Checkpoints.Loads.Load(this, grain);
    }

    /// <summary>Its checkpoint is to be looked for; events wait meanwhile.</summary>
    private void BeginLoading(Grain grain)
    {
        grain.Phase = GrainPhase.Loading;
        _away.Add(grain);
    }

    /// <summary>A grain has no committed checkpoint.</summary>
    public void LoadedNothing(Grain grain)
    {
        grain.Committed = grain.Position = Offset.None.Value;
        Started(grain, Type.Create(grain.Key, _silo.Ports.Services));
    }

    /// <summary>A grain's committed checkpoint has been read.</summary>
    public void Loaded(Grain grain, in LoadedState loaded)
    {
        OperatorGrain? instance = Type.Create(grain.Key, _silo.Ports.Services);
        if (!Mutations.ForgetState)
        {
            Type.ReadState(instance, loaded.State);
        }

        grain.Position = loaded.Position;
        grain.Pending = loaded.Pending;
        grain.OwnLsn = 0;
        if (grain.Committed == Grain.NotKnown)
        {
            DropCovered(grain);
        }

        grain.Committed = loaded.Position;
        if (grain.Base?.Position != loaded.Position)
        {
            KeepBase(grain, _silo.Deltas.KeepRead(in loaded));
        }

        _silo.Counters.Reactivated++;
        _silo.Probe?.Restored(this, grain, loaded.Position);
        Started(grain, instance);
    }

    /// <summary>Its next checkpoint may be a delta to this one; to none when it is null.</summary>
    public void KeepBase(Grain grain, DeltaBase? kept)
    {
        if (Mutations.DeltaToOlder && kept is not null && grain.Base is { } old && old.State.Length == kept.State.Length && old.State.ChunkBytes == kept.State.ChunkBytes)
        {
            old.State.Hashes.CopyTo(kept.State.Hashes);
        }

        _silo.Deltas.Release(grain.Base);
        grain.Base = kept;
    }

    public void DropBase(Grain grain) => KeepBase(grain, null);

    /// <summary>Some of the events that came before it was known what the grain's checkpoint covers are covered by it.</summary>
    private static void DropCovered(Grain grain)
    {
        if (grain.UncoveredFrom < 0 || grain.UncoveredFrom > grain.Position)
        {
            return;
        }

        // What did not fit into the mailbox is found in the log; until then, anything later may be uncovered.
        grain.UncoveredFrom = grain.Behind ? grain.Position + 1 : Offset.None.Value;
        foreach (Input waiting in grain.Mailbox ?? [])
        {
            if (waiting.Offset > grain.Position)
            {
                grain.UncoveredFrom = waiting.Offset;
                break;
            }
        }
    }

    private void Started(Grain grain, OperatorGrain? instance)
    {
        grain.Instance = instance;
        grain.Phase = GrainPhase.Ready;
        _away.Remove(grain);
        ArmRequests(grain);
        if (grain.Behind)
        {
            StartCatchUp(grain);
        }
        else
        {
            DrainMailbox(grain);
        }

        AnswerReads(grain);
    }

    /// <summary>Looks at some grains now and then, and lets the idle ones leave memory: at all of them a few times in the time after which a grain is idle.</summary>
    public void EvictSome()
    {
        if (Type.IsCrowded)
        {
            MakeRoom();
        }
        else if (_silo.NowMs - _evictedMs >= EvictEveryMs)
        {
            double lap = Math.Max(1, Type.Definition.Options.IdleAfter.TotalMilliseconds / 4);
            SweepOut((int)Math.Clamp(Grains.Capacity * (_silo.NowMs - _evictedMs) / lap, SmallestEvictSlice, LargestEvictSlice));
        }
    }

    /// <summary>
    /// There are too many grains: a hand goes round (the clock algorithm), and those that have not been used since it came by last
    /// leave. It goes no further than some grains for each that has come or been checkpointed, so that it costs an event the
    /// same however many grains there are.
    /// </summary>
    private void MakeRoom()
    {
        if (Coverage.Uncovered > Math.Max(SmallestEvictSlice, Grains.Count / 4))
        {
            _partition.Checkpoints.Force(); // What is not checkpointed cannot leave.
        }

        bool due = _silo.NowMs - _evictedMs >= EvictEveryMs;
        int slice = Math.Min(LargestEvictSlice, Math.Max(_evictCredit, due ? SmallestEvictSlice : 0));
        if (slice >= SmallestEvictSlice)
        {
            _evictCredit = Math.Min(Grains.Capacity, Math.Max(0, _evictCredit - slice));
            SweepOut(slice);
        }
    }

    private void SweepOut(int slice)
    {
        _evictedMs = _silo.NowMs;
        _evictNext = Grains.Sweep(_evictNext, slice, EvictIfIdle);
        if (_evictNext == 0)
        {
            _lapBeforeMs = _lapMs;
            _lapMs = _silo.NowMs;
        }
    }

    private void EvictIfIdle(Grain grain)
    {
        long unused = grain.UnusedMs(_silo.NowMs);
        bool idle = unused >= (long)Type.Definition.Options.IdleAfter.TotalMilliseconds || (unused >= _silo.NowMs - _lapBeforeMs && Type.IsCrowded);
        if (idle && MayLeave(grain))
        {
            Evict(grain);
        }
    }

    /// <summary>The engine has let go of the grain that turns ran in: it leaves memory, if it may not yet then with its next checkpoint.</summary>
    public void Unseated(Grain grain)
    {
        if (_partition.Lost || !ReferenceEquals(Grains.Find(grain.Hash, grain.Key), grain))
        {
            return;
        }

        grain.LeavesWhenCovered = true;
        LeaveIfUnwanted(grain);
    }

    private void LeaveIfUnwanted(Grain grain)
    {
        if (grain.LeavesWhenCovered && MayLeave(grain))
        {
            Evict(grain);
        }
    }

    /// <summary>Nothing of it is uncovered, waited for or unstable.</summary>
    private bool MayLeave(Grain grain) =>
        grain.IsIdle && ((grain.UncoveredFrom < 0 && grain.CapturedAt < 0) || Mutations.EvictUncovered) && grain.Pending is not { Count: > 0 }
        && grain.Foreign?.Prune(_silo.Journals) is null;

    private void Evict(Grain grain)
    {
        grain.Generation++;
        grain.Phase = GrainPhase.Absent;
        Grains.Remove(grain);
        DropBase(grain);
        ReleaseSeat(grain);
        _silo.Counters.Grains--;
        _silo.Counters.Evicted++;
        Type.Resident--;
    }

    private void ReleaseSeat(Grain grain)
    {
        if (grain.Seat is { } seat)
        {
            grain.Seat = null;
            _silo.Ports.Release(seat);
        }
    }

    /// <summary>A grain is covered by its checkpoint: it leaves memory if nobody keeps it, and where room is wanted, it may be looked at.</summary>
    public void Covered(Grain grain)
    {
        _evictCredit += VisitsPerNewcomer;
        LeaveIfUnwanted(grain);
    }
}
