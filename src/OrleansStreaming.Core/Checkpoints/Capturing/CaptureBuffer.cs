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

    public int Count { get; private set; }

    /// <summary>The lowest position of a copy.</summary>
    public long BasePosition { get; private set; } = long.MaxValue;

    /// <summary>What the sorter needs, kept like the rest.</summary>
    public CaptureSorter Sorter { get; } = new();

    public ref CapturedGrain this[int index] => ref _grains[index];

    /// <summary>The grains of the operators, by their order in the partition.</summary>
    public ReadOnlySpan<int> HostEnds => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_hostEnds);

    /// <summary>Copies a grain as it is now.</summary>
    public void Add(OperatorType type, Grain grain, DeltaLimits? deltas = null)
    {
        _start = _used;
        EntryKind kind = EntryKind.Full;
        if (grain.Pending is { Count: > 0 } pending)
        {
            kind = EntryKind.Pending;
            Advance(RunEntry.WritePending(GetSpan(RunEntry.PendingSize(pending)), pending));
        }

        int pendingLength = _used - _start;
        type.WriteState(grain.Instance, this);
        if (Count == _grains.Length)
        {
            Array.Resize(ref _grains, Math.Max(256, Count * 2));
        }

        LargeCapture? large = deltas?.IsLarge(_used - _start - pendingLength) == true
            ? new LargeCapture(grain.Base?.Position == grain.Committed ? grain.Base : null)
            : null;
        _grains[Count++] = new CapturedGrain(grain, grain.Position, large, _chunks.Count - 1, _start, _used - _start, pendingLength, kind);
        BasePosition = Math.Min(BasePosition, grain.Position);
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
    public void Clear()
    {
        foreach (byte[] chunk in _chunks)
        {
            if (chunk.Length == ChunkBytes && _spare.Count < MaxSpare)
            {
                _spare.Push(chunk);
            }
        }

        _chunks.Clear();
        _hostEnds.Clear();
        Array.Clear(_grains, 0, Count);
        _chunk = [];
        _start = _used = Count = 0;
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

        int begun = _used - _start;
        int needed = checked((begun + size) * 2);
        byte[]? chunk = null;
        if (needed > ChunkBytes || !_spare.TryPop(out chunk))
        {
            chunk = GC.AllocateUninitializedArray<byte>(Math.Max(ChunkBytes, needed));
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
/// <param name="Large">Set when what has changed may be written in place of the state.</param>
/// <param name="Chunk">The chunk that has the copy.</param>
/// <param name="Start">Where it begins there.</param>
/// <param name="Length">Its length.</param>
/// <param name="PendingLength">How much of it is what the grain waits for.</param>
/// <param name="Kind">Whether there is anything of that.</param>
internal readonly record struct CapturedGrain(
    Grain Grain, long Position, LargeCapture? Large, int Chunk, int Start, int Length, int PendingLength, EntryKind Kind);
