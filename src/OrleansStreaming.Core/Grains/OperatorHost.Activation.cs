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

        grain.Phase = GrainPhase.Loading;
        _away.Add(grain);
        _partition.Checkpoints.Loads.Load(this, grain);
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
        if (_silo.Deltas.IsLarge(loaded.State.Length) && grain.Base?.Position != loaded.Position)
        {
            bool room = _silo.Deltas.HasRoom(loaded.State.Length - (grain.Base?.Bytes.Length ?? 0));
            KeepBase(grain, room ? DeltaBase.Of(loaded.State, loaded.Position, loaded.DeltaBytes, loaded.Deltas) : null);
        }

        _silo.Counters.Reactivated++;
        _silo.Probe?.Restored(this, grain, loaded.Position);
        Started(grain, instance);
    }

    /// <summary>Its next checkpoint may be a delta to this one; to none when it is null.</summary>
    public void KeepBase(Grain grain, DeltaBase? kept)
    {
        DeltaBase? old = grain.Base;
        grain.Base = _silo.Deltas.Replace(old, kept is not null && old is not null && Mutations.DeltaToOlder ? kept with { Bytes = old.Bytes } : kept);
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
        if (_silo.NowMs - _evictedMs >= EvictEveryMs)
        {
            double lap = Math.Max(1, Type.Definition.Options.IdleAfter.TotalMilliseconds / 4);
            int slice = (int)Math.Clamp(Grains.Capacity * (_silo.NowMs - _evictedMs) / lap, SmallestEvictSlice, LargestEvictSlice);
            _evictedMs = _silo.NowMs;
            _evictNext = Grains.Sweep(_evictNext, slice, EvictIfIdle);
        }
    }

    /// <summary>Lets a grain leave memory when nothing of it is uncovered, waited for or unstable.</summary>
    private void EvictIfIdle(Grain grain)
    {
        bool idle = grain.IsIdle && grain.UncoveredFrom < 0 && grain.CapturedAt < 0 && grain.Pending is not { Count: > 0 }
            && grain.Foreign?.Prune(_silo.Journals) is null && grain.UnusedMs(_silo.NowMs) >= (long)Type.Definition.Options.IdleAfter.TotalMilliseconds;
        if (idle)
        {
            grain.Generation++;
            grain.Phase = GrainPhase.Absent;
            Grains.Remove(grain);
            DropBase(grain);
            _silo.Counters.Grains--;
            _silo.Counters.Evicted++;
        }
    }
}
