namespace OrleansStreaming.Core;

/// <summary>The state of a grain's newest committed checkpoint, encoded: the next one need only say what has changed since.</summary>
/// <param name="Bytes">The encoding; never changed.</param>
/// <param name="Sum">Its CRC.</param>
/// <param name="Position">The position of the checkpoint.</param>
/// <param name="DeltaBytes">Bytes of all deltas since the last whole state.</param>
/// <param name="Deltas">The number of deltas since the last whole state.</param>
internal sealed record DeltaBase(byte[] Bytes, uint Sum, long Position, long DeltaBytes, int Deltas)
{
    public static DeltaBase Of(ReadOnlySpan<byte> state, long position, long deltaBytes, int deltas) =>
        new(state.ToArray(), Crc32C.Compute(state), position, deltaBytes, deltas);
}

/// <summary>The copy of a large state: what it may be compared with, and what the next one may be.</summary>
internal sealed class LargeCapture(DeltaBase? old)
{
    public DeltaBase? Old { get; } = old;

    /// <summary>Set by whoever writes the copy; null when there is no memory for it.</summary>
    public DeltaBase? New { get; set; }
}

/// <summary>When a checkpoint is a delta, and the memory for what deltas are made from. From any thread, where nothing else is said.</summary>
internal sealed class DeltaLimits(SiloOptions options)
{
    /// <summary>Deltas that a reader may have to apply to one state.</summary>
    private const int MaxDeltas = 1024;

    private long _used;

    /// <summary>Some grain has a base.</summary>
    public bool InUse => Volatile.Read(ref _used) > 0;

    public bool IsLarge(int stateBytes) => stateBytes >= options.DeltaFromBytes;

    /// <summary>The most that a delta may take; beyond it, and when too much has gathered, the whole state is written.</summary>
    public int MostBytes(DeltaBase old, int stateBytes)
    {
        long left = (stateBytes * options.DeltaChainPercent / 100) - old.DeltaBytes;
        return old.Deltas >= MaxDeltas ? 0 : (int)Math.Clamp(left, 0, Math.Min(int.MaxValue, stateBytes * options.DeltaMostPercent / 100));
    }

    /// <summary>That much more may be kept. What is being written does not count: it lives no longer than the copies of the checkpoint.</summary>
    public bool HasRoom(long more) => Volatile.Read(ref _used) + more <= options.DeltaBudgetBytes;

    /// <summary>Keeps one in the place of another, if there is memory for it; returns what is kept. Only in the loop.</summary>
    public DeltaBase? Replace(DeltaBase? old, DeltaBase? kept)
    {
        Volatile.Write(ref _used, _used - (old?.Bytes.Length ?? 0));
        if (kept is null || !HasRoom(kept.Bytes.Length))
        {
            return null;
        }

        Volatile.Write(ref _used, _used + kept.Bytes.Length);
        return kept;
    }
}
