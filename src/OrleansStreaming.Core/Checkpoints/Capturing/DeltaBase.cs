using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>What is kept of a grain's newest committed checkpoint: the next one need only say what has changed since.</summary>
/// <param name="State">Tells what has changed.</param>
/// <param name="Position">The position of the checkpoint.</param>
/// <param name="DeltaBytes">Bytes of all deltas since the last whole state.</param>
/// <param name="Moves">How many of them have moved bytes, by a change of the length.</param>
internal sealed record DeltaBase(StateSignature State, long Position, long DeltaBytes, int Moves);

/// <summary>When a checkpoint is a delta, and the memory for what deltas are made from. Used by the loop only.</summary>
internal sealed class DeltaLimits(SiloOptions options)
{
    /// <summary>So many times may chunks be twice as long, the fuller the memory is.</summary>
    private const int Doublings = 6;

    /// <summary>Deltas of a state that move bytes, and hence cost a reader a copy of all of it each.</summary>
    private const int MaxMoves = 1024;

    private readonly ArrayBufferWriter<byte> _delta = new(256);
    private long _used;

    /// <summary>Something is kept of some state.</summary>
    public bool InUse => _used > 0;

    /// <summary>Where a state of which something is kept is encoded, to be compared: memory that stays in the processor's caches.</summary>
    public ArrayBufferWriter<byte> Encoded { get; } = new(256);

    /// <summary>What is to be kept of a state that is written whole; null when it is small, or there is no memory.</summary>
    /// <param name="state">The state.</param>
    /// <param name="position">Its position.</param>
    /// <param name="old">What it is to be kept in the place of.</param>
    public DeltaBase? KeepWhole(ReadOnlySpan<byte> state, long position, DeltaBase? old = null) => Keep(state, ChunkFor(state.Length), position, old);

    /// <summary>What is to be kept of a state that was read, and of which deltas have been applied.</summary>
    public DeltaBase? KeepRead(in LoadedState loaded) =>
        Keep(loaded.State, ChunkFor(loaded.State.Length), loaded.Position, null) is { } kept ? kept with { DeltaBytes = loaded.DeltaBytes, Moves = loaded.Moves } : null;

    /// <summary>Writes what has changed of a state, if that is little; false when the whole is to be written.</summary>
    /// <param name="old">What is kept of the checkpoint that the delta is to.</param>
    /// <param name="state">The state.</param>
    /// <param name="position">Its position.</param>
    /// <param name="output">Where to.</param>
    /// <param name="kept">What is to be kept of the state; null when there is no memory.</param>
    public bool TryWriteDelta(DeltaBase old, ReadOnlySpan<byte> state, long position, IBufferWriter<byte> output, out DeltaBase? kept)
    {
        int most = MostBytes(old, state.Length);
        kept = most > 0 ? Keep(state, old.State.ChunkBytes, position, old) : null;
        _delta.ResetWrittenCount();
        if (kept is null || !StateDelta.TryWrite(old.State, old.Position, kept.State, state, most, _delta))
        {
            return false;
        }

        output.Write(_delta.WrittenSpan);
        kept = kept with { DeltaBytes = old.DeltaBytes + _delta.WrittenCount, Moves = old.Moves + (old.State.Length == state.Length ? 0 : 1) };
        return true;
    }

    /// <summary>One is no longer needed.</summary>
    public void Release(DeltaBase? kept)
    {
        if (kept is not null)
        {
            _used -= BytesOf(kept.State.Count);
            kept.State.Release();
        }
    }

    /// <summary>For a short time there is memory for both an old one and the new one.</summary>
    private DeltaBase? Keep(ReadOnlySpan<byte> state, int chunkBytes, long position, DeltaBase? old)
    {
        long bytes = BytesOf(StateSignature.CountOf(state.Length, chunkBytes)), freed = old is null ? 0 : BytesOf(old.State.Count);
        if (state.Length < options.DeltaFromBytes || _used - freed + bytes > options.DeltaBudgetBytes)
        {
            return null;
        }

        _used += bytes;
        return new DeltaBase(StateSignature.Of(state, chunkBytes), position, 0, 0);
    }

    private static long BytesOf(int chunks) => 64 + (chunks * (long)sizeof(ulong));

    /// <summary>The fuller the memory is, the longer the chunks: so that it suffices for many states, of which a little more is written.</summary>
    private int ChunkFor(int stateBytes)
    {
        int doublings = (int)((Doublings + 1) * _used / Math.Max(1, options.DeltaBudgetBytes)), chunk = options.DeltaChunkBytes;
        for (; doublings > 0 && chunk < stateBytes / 32; doublings--)
        {
            chunk *= 2;
        }

        return chunk;
    }

    /// <summary>The most that a delta may take; beyond it, and when too much has gathered, the whole state is written.</summary>
    private int MostBytes(DeltaBase old, int stateBytes)
    {
        long left = (stateBytes * options.DeltaChainPercent / 100) - old.DeltaBytes;
        return stateBytes < options.DeltaFromBytes || old.Moves >= MaxMoves
            ? 0
            : (int)Math.Clamp(left, 0, Math.Min(int.MaxValue, stateBytes * options.DeltaMostPercent / 100));
    }
}
