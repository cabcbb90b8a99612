using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>The bytes of a grain's state on its way to who asked, and of lists of keys.</summary>
internal static class StateCodec
{
    public static byte[] Write(StateAnswer answer)
    {
        var to = new WireWriter();
        to.Byte((byte)answer.Kind);
        to.Number(answer.Offset.Value);
        to.Bytes(answer.Json.Span);
        return to.ToArray();
    }

    public static StateAnswer Read(ReadOnlySpan<byte> bytes)
    {
        var from = new WireReader(bytes);
        var kind = (StateAnswerKind)from.Byte();
        var offset = new Offset(from.Number());
        return new StateAnswer(kind, from.Bytes().ToArray(), offset);
    }

    public static byte[] WriteKeys(IReadOnlyCollection<byte[]> keys)
    {
        var to = new WireWriter();
        to.Number(keys.Count);
        foreach (byte[] key in keys)
        {
            to.Bytes(key);
        }

        return to.ToArray();
    }

    public static byte[][] ReadKeys(ReadOnlySpan<byte> bytes)
    {
        var from = new WireReader(bytes);
        byte[][] keys = new byte[from.Count()][];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = from.Bytes().ToArray();
        }

        return keys;
    }
}
