using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Frames as a storage lends them: whoever has given them back and still looks at them finds something else there.</summary>
internal sealed class LentFrames : List<StoredFrame>, IDisposable
{
    private const byte Gone = 0xDD;

    private readonly byte[][] _memory;

    public LentFrames(IReadOnlyList<StoredFrame> frames)
    {
        _memory = [.. frames.Select(f => f.Bytes.ToArray())];
        AddRange(frames.Zip(_memory, (frame, bytes) => frame with { Bytes = bytes }));
    }

    public void Dispose()
    {
        foreach (byte[] bytes in _memory)
        {
            bytes.AsSpan().Fill(Gone);
        }
    }
}
