namespace OrleansStreaming.Core;

/// <summary>Brings grains into memory, and lets them leave it.</summary>
internal sealed partial class OperatorHost
{
    /// <summary>Brings a grain into memory: a new instance, or its committed checkpoint.</summary>
    private void Activate(Grain grain)
    {
        if (!_partition.Checkpoints.Index.TryGet(Id, grain.Key, out CheckpointEntry entry))
        {
            grain.Position = Offset.None.Value;
            Started(grain, Type.Create(grain.Key, _silo.Ports.Services));
            return;
        }

        grain.Phase = GrainPhase.Loading;
        _away.Add(grain);
        int generation = grain.Generation;
        _silo.Submit(new Request<ReadOnlyMemory<byte>>(
            $"read run {entry.Run}",
            (storage, cancel) => storage.ReadRunAsync(entry.Run, entry.At, entry.Length, cancel),
            (bytes, error) => Loaded(grain, generation, entry, bytes, error)));
    }

    private void Loaded(Grain grain, int generation, CheckpointEntry entry, ReadOnlyMemory<byte> bytes, Exception? error)
    {
        if (_partition.Lost || grain.Generation != generation || grain.Phase != GrainPhase.Loading)
        {
            return;
        }

        ReadOnlySpan<byte> state = default;
        List<PendingRequest>? pending = null;
        try
        {
            if (error is null)
            {
                CheckpointRun.ReadEntry(bytes.Span, entry, grain.Key, out state, out pending);
            }
        }
        catch (CorruptDataException e)
        {
            error = e;
        }

        if (error is not null)
        {
            // A newer run may have replaced this one meanwhile; otherwise storage will answer, or answer right, some time.
            _silo.Log.ReadFailed(_silo.Name, entry.Run, error);
            grain.Phase = GrainPhase.Absent;
            _silo.After(_silo.Options.StorageRetryMs, () =>
            {
                if (!_partition.Lost && grain.Phase == GrainPhase.Absent && grain.Generation == generation)
                {
                    Activate(grain);
                }
            });
            return;
        }

        OperatorGrain? instance = Type.Create(grain.Key, _silo.Ports.Services);
        if (!Mutations.ForgetState)
        {
            Type.ReadState(instance, state);
        }

        grain.Position = entry.Position;
        grain.Pending = pending;
        grain.OwnLsn = 0;
        _silo.Counters.Reactivated++;
        _silo.Probe?.Restored(this, grain, entry.Position);
        Started(grain, instance);
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
            && grain.Foreign?.Prune(_silo.Journals) is null && _silo.NowMs - grain.LastUsedMs >= (long)Type.Definition.Options.IdleAfter.TotalMilliseconds;
        if (idle)
        {
            grain.Generation++;
            grain.Phase = GrainPhase.Absent;
            Grains.Remove(grain);
            _silo.Counters.Grains--;
            _silo.Counters.Evicted++;
        }
    }
}
