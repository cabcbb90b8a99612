using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>
/// Copies of grains for one checkpoint: filled by the loop, read outside of it, then emptied and used again. Takes memory in
/// chunks that are pooled, and nothing for a single grain.
/// </summary>
internal sealed class CaptureBuffer : IBufferWriter<byte>
{
    private const int ChunkBytes = 256 << 10;

    /// <summary>Chunks kept for the next checkpoint.</summary>
    private const int MaxSpare = 256;
    private readonly Stack<byte[]> _spare = new();
    private readonly List<byte[]> _chunks = [];
    private readonly List<int> _hostEnds = [];
    private CapturedGrain[] _grains = [];
    private byte[] _chunk = [];
    private int _start;
    private int _used;
    private bool _hasKept;

    public int Count { get; private set; }

    /// <summary>The lowest position of a copy.</summary>
    public long BasePosition { get; private set; } = long.MaxValue;

    /// <summary>What the sorter needs, kept like the rest.</summary>
    public CaptureSorter Sorter { get; } = new();

    public ref CapturedGrain this[int index] => ref _grains[index];

    /// <summary>The grains of the operators, by their order in the partition.</summary>
    public ReadOnlySpan<int> HostEnds => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_hostEnds);

    /// <summary>Bytes of states that have been encoded, whatever of them is written.</summary>
    public long EncodedBytes { get; private set; }

    /// <summary>Copies a grain as it is now: its state, or what has changed of a large one.</summary>
    public void Add(OperatorType type, Grain grain, DeltaLimits deltas)
    {
        _start = _used;
        EntryKind kind = EntryKind.Full;
        if (grain.Pending is { Count: > 0 } pending)
        {
            kind = EntryKind.Pending;
            Advance(RunEntry.WritePending(GetSpan(RunEntry.PendingSize(pending)), pending));
        }

        int pendingLength = _used - _start;
        DeltaBase? kept;
        if (grain.Base is { } old)
        {
            kept = AddLarge(type, grain, old, deltas, ref kind);
        }
        else
        {
            type.WriteState(grain.Instance, this);
            EncodedBytes += _used - _start - pendingLength;
            kept = deltas.KeepWhole(_used > _start ? _chunk.AsSpan(_start + pendingLength, _used - _start - pendingLength) : default, grain.Position);
        }

        if (Count == _grains.Length)
        {
            Array.Resize(ref _grains, Math.Max(256, Count * 2));
        }

        _hasKept |= kept is not null;
        _grains[Count++] = new CapturedGrain(grain, grain.Position, kept, _chunks.Count - 1, _start, _used - _start, kind);
        BasePosition = Math.Min(BasePosition, grain.Position);
    }

    /// <summary>A large state is encoded elsewhere, and most often little of it is copied.</summary>
    private DeltaBase? AddLarge(OperatorType type, Grain grain, DeltaBase old, DeltaLimits deltas, ref EntryKind kind)
    {
        deltas.Encoded.ResetWrittenCount();
        type.WriteState(grain.Instance, deltas.Encoded);
        ReadOnlySpan<byte> state = deltas.Encoded.WrittenSpan;
        EncodedBytes += state.Length;
        DeltaBase? kept = null;
        if (old.Position == grain.Committed && deltas.TryWriteDelta(old, state, grain.Position, this, out kept))
        {
            kind |= EntryKind.Delta;
            return kept;
        }

        this.Write(state);
        return kept ?? deltas.KeepWhole(state, grain.Position, old);
    }

    /// <summary>What is to be kept of the state of a copy: for whoever asks first.</summary>
    public DeltaBase? TakeKept(int index)
    {
        DeltaBase? kept = _grains[index].Kept;
        if (kept is not null)
        {
            _grains[index] = _grains[index] with { Kept = null };
        }

        return kept;
    }

    /// <summary>What was to be kept of states is not.</summary>
    public void ReleaseKept(DeltaLimits deltas)
    {
        for (int i = 0; _hasKept && i < Count; i++)
        {
            deltas.Release(TakeKept(i));
        }

        _hasKept = false;
    }

    /// <summary>The grains of one operator are all there.</summary>
    public void EndHost() => _hostEnds.Add(Count);

    /// <summary>What was copied of a grain.</summary>
    public ReadOnlySpan<byte> BodyOf(in CapturedGrain captured) => captured.Length == 0 ? default : _chunks[captured.Chunk].AsSpan(captured.Start, captured.Length);

    /// <summary>Has the memory of a copy fetched.</summary>
    public void Prefetch(in CapturedGrain captured)
    {
        if (captured.Length > 0)
        {
            Memory.Prefetch(ref _chunks[captured.Chunk][captured.Start]);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Clear(DeltaLimits deltas)
    {
        ReleaseKept(deltas);
        foreach (byte[] chunk in _chunks)
        {
            if (chunk.Length != ChunkBytes)
            {
                ArrayPool<byte>.Shared.Return(chunk);
            }
            else if (_spare.Count < MaxSpare)
            {
                _spare.Push(chunk);
            }
        }

        _chunks.Clear();
        _hostEnds.Clear();
        Array.Clear(_grains, 0, Count);
        _chunk = [];
        _start = _used = Count = 0;
        EncodedBytes = 0;
        BasePosition = long.MaxValue;
    }

    public void Advance(int count) => _used += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _chunk.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _chunk.AsSpan(_used);
    }

    /// <summary>A copy lies in one chunk: what there is of it moves along when a chunk is full.</summary>
    private void Reserve(int size)
    {
        size = Math.Max(size, 64);
        if (_chunk.Length - _used >= size)
        {
            return;
        }

        int begun = _used - _start, needed = checked(begun + Math.Max(size, begun));
        byte[]? chunk;
        if (needed > ChunkBytes)
        {
            chunk = ArrayPool<byte>.Shared.Rent(needed);
        }
        else if (!_spare.TryPop(out chunk))
        {
            chunk = GC.AllocateUninitializedArray<byte>(ChunkBytes);
        }

        _chunk.AsSpan(_start, begun).CopyTo(chunk);
        _chunks.Add(_chunk = chunk);
        _start = 0;
        _used = begun;
    }
}

/// <summary>A copy of a grain.</summary>
/// <param name="Grain">The grain; has changed since, perhaps. Of it only key and hash may be read outside of the loop.</param>
/// <param name="Position">Its position when it was copied.</param>
/// <param name="Kept">What is to be kept of a large state when the copy is committed.</param>
/// <param name="Chunk">The chunk that has the copy.</param>
/// <param name="Start">Where it begins there.</param>
/// <param name="Length">Its length.</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct CapturedGrain(Grain Grain, long Position, DeltaBase? Kept, int Chunk, int Start, int Length, EntryKind Kind);
