using System.Text;

namespace OrleansStreaming.Core;

/// <summary>What an entry of a run is.</summary>
[Flags]
internal enum EntryKind : byte
{
    /// <summary>The whole state.</summary>
    Full = 0,

    /// <summary>What has changed since an older entry of the grain.</summary>
    Delta = 1,

    /// <summary>The grain waits for timers or answers.</summary>
    Pending = 2,
}

/// <summary>One checkpoint of a grain, as it lies in a block.</summary>
internal readonly ref struct RunEntry
{
    public EntryKind Kind { get; init; }

    public ReadOnlySpan<byte> Key { get; init; }

    public long Position { get; init; }

    /// <summary>What the grain waits for, if its kind says that there is something, then the state or what has changed of it.</summary>
    public ReadOnlySpan<byte> Body { get; init; }

    /// <summary>The most that an entry takes beside its key and its body.</summary>
    public const int MaxOverhead = 30;

    public static int Write(Span<byte> to, ReadOnlySpan<byte> key, EntryKind kind, long positionAboveBase, ReadOnlySpan<byte> body)
    {
        int at = WriteHead(to, key, kind, positionAboveBase, body.Length);
        body.CopyTo(to[at..]);
        return at + body.Length;
    }

    /// <summary>Writes what comes before the body; returns how much that is.</summary>
    public static int WriteHead(Span<byte> to, ReadOnlySpan<byte> key, EntryKind kind, long positionAboveBase, int bodyLength)
    {
        int at = 0;
        Varint.Write(to, ref at, ((uint)key.Length << 2) | (uint)kind);
        key.CopyTo(to[at..]);
        at += key.Length;
        Varint.Write(to, ref at, (ulong)(Varint.Length((ulong)positionAboveBase) + bodyLength));
        Varint.Write(to, ref at, (ulong)positionAboveBase);
        return at;
    }

    /// <summary>How much <see cref="WriteHead"/> writes.</summary>
    public static int HeadLength(int keyLength, long positionAboveBase, int bodyLength)
    {
        int position = Varint.Length((ulong)positionAboveBase);
        return Varint.Length((uint)keyLength << 2) + keyLength + Varint.Length((ulong)(position + bodyLength)) + position;
    }

    /// <summary>Reads the entry at a place and moves behind it. May throw what <see cref="Varint.IsOutside"/> knows.</summary>
    public static RunEntry Read(ReadOnlySpan<byte> block, scoped ref int at, long basePosition)
    {
        Parse(block, at, basePosition, out RunEntryLayout entry);
        at = entry.End;
        return entry.In(block);
    }

    /// <summary>Finds out where the parts of the entry at a place lie. May throw what <see cref="Varint.IsOutside"/> knows.</summary>
    public static void Parse(ReadOnlySpan<byte> block, int at, long basePosition, out RunEntryLayout entry)
    {
        ulong head = Varint.Read(block, ref at), keyLength = head >> 2;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keyLength, (ulong)(block.Length - at));
        entry.Kind = (EntryKind)(head & 3);
        entry.KeyAt = at;
        entry.KeyLength = (int)keyLength;
        at += entry.KeyLength;
        entry.End = Varint.ReadLength(block, ref at) + at;
        entry.Position = basePosition + (long)Varint.Read(block[..entry.End], ref at);
        entry.BodyAt = at;
    }

    /// <summary>Takes apart what a grain waits for, and the rest of the body.</summary>
    public static List<PendingRequest>? ReadPending(EntryKind kind, ReadOnlySpan<byte> body, out ReadOnlySpan<byte> state)
    {
        if ((kind & EntryKind.Pending) == 0)
        {
            state = body;
            return null;
        }

        int at = 0;
        ulong count = Varint.Read(body, ref at);
        var pending = new List<PendingRequest>();
        for (ulong i = 0; i < count; i++)
        {
            long input = (long)Varint.Read(body, ref at);
            int ordinal = (int)Varint.Read(body, ref at);
            var what = (RecordKind)body[at++];
            string tag = Encoding.UTF8.GetString(Varint.ReadBytes(body, ref at));
            long due = Varint.ReadSigned(body, ref at);
            pending.Add(new PendingRequest(new RecordName(input, ordinal), what, tag, due, Varint.ReadBytes(body, ref at).ToArray()));
        }

        state = body[at..];
        return pending;
    }

    /// <summary>The most that <see cref="WritePending"/> writes.</summary>
    public static int PendingSize(List<PendingRequest> pending)
    {
        int size = 10;
        foreach (PendingRequest request in pending)
        {
            size += 50 + (request.Tag.Length * 3) + request.Request.Length;
        }

        return size;
    }

    public static int WritePending(Span<byte> to, List<PendingRequest> pending)
    {
        int at = 0;
        Varint.Write(to, ref at, (uint)pending.Count);
        foreach (PendingRequest request in pending)
        {
            Varint.Write(to, ref at, (ulong)request.Name.Input);
            Varint.Write(to, ref at, (uint)request.Name.Ordinal);
            to[at++] = (byte)request.Kind;
            Varint.WriteBytes(to, ref at, Encoding.UTF8.GetBytes(request.Tag));
            Varint.WriteSigned(to, ref at, request.Due);
            Varint.WriteBytes(to, ref at, request.Request);
        }

        return at;
    }
}

/// <summary>An entry without its bytes: its numbers, and where its byte strings lie in what it was read from.</summary>
internal struct RunEntryLayout
{
    public EntryKind Kind;
    public int KeyAt;
    public int KeyLength;
    public long Position;
    public int BodyAt;

    /// <summary>Where the next entry begins.</summary>
    public int End;

    /// <summary>The entry in the span that it was read from.</summary>
    public readonly RunEntry In(ReadOnlySpan<byte> from) => new()
    {
        Kind = Kind,
        Key = from.Slice(KeyAt, KeyLength),
        Position = Position,
        Body = from[BodyAt..End],
    };
}
