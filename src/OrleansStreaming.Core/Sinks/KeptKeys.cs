namespace OrleansStreaming.Core;

/// <summary>
/// The bytes of keys that names of released events refer to. They are appended to a chunk and never change, so that a name
/// may be kept for as long as anybody likes; a chunk is collected with the last name in it.
/// </summary>
internal struct KeptKeys
{
    private const int ChunkBytes = 2048;
    private byte[]? _chunk;
    private int _used;
    private int _lastLength;

    /// <summary>Keeps a key. One that follows itself, as a source's id does, is kept once.</summary>
    public ArraySegment<byte> Keep(ReadOnlySpan<byte> key)
    {
        if (_chunk is not null && _chunk.AsSpan(_used - _lastLength, _lastLength).SequenceEqual(key))
        {
            return new ArraySegment<byte>(_chunk, _used - _lastLength, _lastLength);
        }

        if (_chunk is null || _used + key.Length > _chunk.Length)
        {
            _chunk = new byte[Math.Max(ChunkBytes, key.Length)];
            _used = 0;
        }

        key.CopyTo(_chunk.AsSpan(_used));
        var kept = new ArraySegment<byte>(_chunk, _used, key.Length);
        _used += key.Length;
        _lastLength = key.Length;
        return kept;
    }
}
