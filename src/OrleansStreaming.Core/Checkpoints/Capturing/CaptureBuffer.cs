using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>
/// Copies of grains for one checkpoint: filled by the loop, read outside of it, then emptied and used again. A copy is the
/// entry of a run as it will be written, so that whoever brings copies into order touches each only once. Takes memory in
/// chunks that are pooled, and nothing for a single grain.
/// </summary>
internal sealed class CaptureBuffer : IBufferWriter<byte>
{
    private const int ChunkBytes = 256 << 10;

    /// <summary>The most that the length of a body takes.</summary>
    private const int LengthRoom = 5;

    /// <summary>Chunks kept for the next checkpoint.</summary>
    private const int MaxSpare = 256;
    private readonly Stack<byte[]> _spare = new();
    private readonly List<byte[]> _chunks = [];
    private readonly List<int> _hostEnds = [];
    private CapturedGrain[] _grains = [];
    private CapturedEntry[] _entries = [];
    private byte[] _chunk = [];
    private int _start;
    private int _used;
    private bool _hasKept;

    public int Count { get; private set; }

    /// <summary>At most the lowest position to come: entries have what theirs are above it.</summary>
    public long BasePosition { get; set; }

    /// <summary>What the sorter needs, kept like the rest.</summary>
    public CaptureSorter Sorter { get; } = new();

    public ref CapturedGrain this[int index] => ref _grains[index];

    /// <summary>The entries of all copies, in the order of those.</summary>
    public ReadOnlySpan<CapturedEntry> Entries => _entries.AsSpan(0, Count);

    /// <summary>The grains of the operators, by their order in the partition.</summary>
    public ReadOnlySpan<int> HostEnds => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_hostEnds);

    /// <summary>Bytes of states that have been encoded, whatever of them is written.</summary>
    public long EncodedBytes { get; private set; }

    /// <summary>Copies a grain as it is now: its state, or what has changed of a large one.</summary>
    public void Add(OperatorType type, Grain grain, DeltaLimits deltas)
    {
        // The length of the body stands before it: leave room, and begin the entry where it then fits.
        long aboveBase = grain.Position - BasePosition;
        int room = RunEntry.HeadLength(grain.Key.Length, aboveBase, 0) - 1 + LengthRoom;
        _start = _used;
        GetSpan(room);
        Advance(room);
        EntryKind kind = EntryKind.Full;
        if (grain.Pending is { Count: > 0 } pending)
        {
            kind = EntryKind.Pending;
            Advance(RunEntry.WritePending(GetSpan(RunEntry.PendingSize(pending)), pending));
        }

        int stateAt = _used - _start;
        DeltaBase? kept;
        if (grain.Base is { } old)
        {
            kept = AddLarge(type, grain, old, deltas, ref kind);
        }
        else
        {
            type.WriteState(grain.Instance, this);
            ReadOnlySpan<byte> state = _chunk.AsSpan(_start + stateAt, _used - _start - stateAt);
            EncodedBytes += state.Length;
            kept = deltas.KeepWhole(state, grain.Position);
        }

        int body = _used - _start - room, at = _start + room - RunEntry.HeadLength(grain.Key.Length, aboveBase, body);
        RunEntry.WriteHead(_chunk.AsSpan(at), grain.Key, kind, aboveBase, body);
        if (Count == _grains.Length)
        {
            Array.Resize(ref _grains, Math.Max(256, Count * 2));
            Array.Resize(ref _entries, _grains.Length);
        }

        _hasKept |= kept is not null;
        _entries[Count] = new CapturedEntry(grain.Hash, _chunks.Count - 1, at);
        _grains[Count++] = new CapturedGrain(grain, grain.Position, kept);
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

    /// <summary>Finds what is where in an entry, and gives it and what follows.</summary>
    public ReadOnlySpan<byte> Parse(CapturedEntry entry, out RunEntryLayout layout)
    {
        ReadOnlySpan<byte> from = _chunks[entry.Chunk].AsSpan(entry.At);
        RunEntry.Parse(from, 0, BasePosition, out layout);
        return from;
    }

    /// <summary>The key of an entry.</summary>
    public ReadOnlySpan<byte> KeyOf(CapturedEntry entry) => Parse(entry, out RunEntryLayout layout).Slice(layout.KeyAt, layout.KeyLength);

    /// <summary>Has the memory of some grains fetched that have been copied; returns the index behind them.</summary>
    public int PrefetchGrains(int from)
    {
        int end = Math.Min(from + Memory.FetchedAhead, Count);
        for (int i = from; i < end; i++)
        {
            Memory.Prefetch(_grains[i].Grain, Grain.CheckpointedBytes);
        }

        return end;
    }

    /// <summary>Has the memory of an entry fetched.</summary>
    public void Prefetch(CapturedEntry entry)
    {
        const int Line = 64;
        byte[] chunk = _chunks[entry.Chunk];
        Memory.Prefetch(ref chunk[entry.At]);
        Memory.Prefetch(ref chunk[Math.Min(entry.At + Line - 1, chunk.Length - 1)]);
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
        BasePosition = 0;
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

/// <summary>A copy of a grain, for the loop.</summary>
/// <param name="Grain">The grain; has changed since, perhaps.</param>
/// <param name="Position">Its position when it was copied.</param>
/// <param name="Kept">What is to be kept of a large state when the copy is committed.</param>
internal readonly record struct CapturedGrain(Grain Grain, long Position, DeltaBase? Kept);

/// <summary>A copy of a grain, for whoever writes it.</summary>
/// <param name="Hash">The hash of its key.</param>
/// <param name="Chunk">The chunk that has its entry.</param>
/// <param name="At">Where it begins there.</param>
internal readonly record struct CapturedEntry(ulong Hash, int Chunk, int At);
