using System.Buffers;
using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// A run of checkpoints, and the one place that knows its layout (docs/formats.md): entries one behind the other, then the
/// index (per entry: operator, key, where, length, position, flags), then the footer: index at i64, index length i32, count i32, CRC of the index u32,
/// magic u32. An entry: CRC u32 of what follows, operator, key, pending requests, state.
/// </summary>
internal sealed class CheckpointRun
{
    public const int FooterSize = 24;
    private const uint Magic = 0x4B43534F; // "OSCK"
    private readonly ArrayBufferWriter<byte> _entries = new(4096);
    private readonly ArrayBufferWriter<byte> _index = new(1024);
    private readonly ArrayBufferWriter<byte> _state = new(256);

    public int Count { get; private set; }

    /// <summary>Adds the present state of a grain; returns where it lies.</summary>
    public (int At, int Length) Add(OperatorType type, Grain grain)
    {
        _state.ResetWrittenCount();
        type.WriteState(grain.Instance, _state);
        int at = _entries.WrittenCount, pendingSize = 8;
        foreach (PendingRequest request in grain.Pending ?? [])
        {
            pendingSize += 64 + (request.Tag.Length * 3) + request.Request.Length;
        }

        Span<byte> to = _entries.GetSpan(64 + grain.Key.Length + pendingSize + _state.WrittenCount);
        int used = 4;
        Varint.Write(to, ref used, (uint)type.Definition.Id);
        Varint.WriteBytes(to, ref used, grain.Key);
        WritePending(to, ref used, grain.Pending);
        Varint.WriteBytes(to, ref used, _state.WrittenSpan);
        BinaryPrimitives.WriteUInt32LittleEndian(to, Crc32C.Compute(to[4..used]));
        _entries.Advance(used);
        AddToIndex(type.Definition.Id, grain.Key, at, used, grain.Position, grain.Pending is { Count: > 0 });
        return (at, used);
    }

    /// <summary>Adds an entry of an older run as it is; returns where it lies.</summary>
    public int Copy(int operatorId, ReadOnlySpan<byte> key, ReadOnlySpan<byte> entry, in CheckpointEntry old)
    {
        int at = _entries.WrittenCount;
        _entries.Write(entry);
        AddToIndex(operatorId, key, at, entry.Length, old.Position, old.HasPending);
        return at;
    }

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[_entries.WrittenCount + _index.WrittenCount + FooterSize];
        _entries.WrittenSpan.CopyTo(bytes);
        _index.WrittenSpan.CopyTo(bytes.AsSpan(_entries.WrittenCount));
        Span<byte> footer = bytes.AsSpan(^FooterSize..);
        BinaryPrimitives.WriteInt64LittleEndian(footer, _entries.WrittenCount);
        BinaryPrimitives.WriteInt32LittleEndian(footer[8..], _index.WrittenCount);
        BinaryPrimitives.WriteInt32LittleEndian(footer[12..], Count);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[16..], Crc32C.Compute(_index.WrittenSpan));
        BinaryPrimitives.WriteUInt32LittleEndian(footer[20..], Magic);
        return bytes;
    }

    /// <summary>Reads the footer: where the index is and how long.</summary>
    public static (long At, int Length, int Count, uint Sum) ReadFooter(string run, ReadOnlySpan<byte> footer)
    {
        if (footer.Length != FooterSize || BinaryPrimitives.ReadUInt32LittleEndian(footer[20..]) != Magic)
        {
            throw new CorruptDataException(run, 0, $"expected the footer of a checkpoint run in the last {FooterSize} bytes");
        }

        long at = BinaryPrimitives.ReadInt64LittleEndian(footer);
        int length = BinaryPrimitives.ReadInt32LittleEndian(footer[8..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(footer[12..]);
        return at >= 0 && length >= 0 && count >= 0
            ? (at, length, count, BinaryPrimitives.ReadUInt32LittleEndian(footer[16..]))
            : throw new CorruptDataException(run, at, $"expected the place of an index, found {length} bytes with {count} entries at {at}");
    }

    /// <summary>Reads an index into one that already has those of the older runs.</summary>
    public static void ReadIndex(string run, ReadOnlySpan<byte> bytes, int count, uint sum, CheckpointIndex into)
    {
        if (Crc32C.Compute(bytes) != sum)
        {
            throw new CorruptDataException(run, 0, "the index of the checkpoint run does not match its checksum");
        }

        int at = 0, found = 0;
        try
        {
            // To the end of the bytes, not by the count: the checksum does not cover the footer, where the count is.
            for (; at < bytes.Length; found++)
            {
                int operatorId = (int)Varint.Read(bytes, ref at);
                ReadOnlySpan<byte> key = Varint.ReadBytes(bytes, ref at);
                int where = (int)Varint.Read(bytes, ref at);
                int length = (int)Varint.Read(bytes, ref at);
                long position = (long)Varint.Read(bytes, ref at) - 1;
                bool pending = bytes[at++] != 0;
                into.Set(operatorId, key, new CheckpointEntry(run, where, length, position, pending));
            }
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(run, at, $"entry {found} of the index ends outside of it: {e.Message}");
        }

        if (found != count)
        {
            throw new CorruptDataException(run, 0, $"the footer says that the index has {count} entries, and it has {found}");
        }
    }

    /// <summary>Reads one entry.</summary>
    public static void ReadEntry(ReadOnlySpan<byte> bytes, scoped in CheckpointEntry entry, scoped ReadOnlySpan<byte> key, out ReadOnlySpan<byte> state, out List<PendingRequest>? pending)
    {
        if (bytes.Length != entry.Length || bytes.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Compute(bytes[4..]))
        {
            throw new CorruptDataException(entry.Run, entry.At, $"expected a checkpoint of {entry.Length} bytes that matches its checksum");
        }

        int at = 4;
        try
        {
            Varint.Read(bytes, ref at);
            if (!Varint.ReadBytes(bytes, ref at).SequenceEqual(key))
            {
                throw new CorruptDataException(entry.Run, entry.At, "the checkpoint is of another grain");
            }

            pending = ReadPending(bytes, ref at);
            state = Varint.ReadBytes(bytes, ref at);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(entry.Run, entry.At + at, $"the checkpoint matches its checksum, but ends outside of itself: {e.Message}");
        }
    }

    private void AddToIndex(int operatorId, ReadOnlySpan<byte> key, int at, int length, long position, bool pending)
    {
        Span<byte> to = _index.GetSpan(48 + key.Length);
        int used = 0;
        Varint.Write(to, ref used, (uint)operatorId);
        Varint.WriteBytes(to, ref used, key);
        Varint.Write(to, ref used, (uint)at);
        Varint.Write(to, ref used, (uint)length);
        Varint.Write(to, ref used, (ulong)(position + 1));
        to[used++] = pending ? (byte)1 : (byte)0;
        _index.Advance(used);
        Count++;
    }

    private static void WritePending(Span<byte> to, ref int at, List<PendingRequest>? pending)
    {
        Varint.Write(to, ref at, (uint)(pending?.Count ?? 0));
        foreach (PendingRequest request in pending ?? [])
        {
            Varint.Write(to, ref at, (ulong)request.Name.Input);
            Varint.Write(to, ref at, (uint)request.Name.Ordinal);
            to[at++] = (byte)request.Kind;
            Varint.WriteBytes(to, ref at, System.Text.Encoding.UTF8.GetBytes(request.Tag));
            Varint.WriteSigned(to, ref at, request.Due);
            Varint.WriteBytes(to, ref at, request.Request);
        }
    }

    private static List<PendingRequest>? ReadPending(ReadOnlySpan<byte> bytes, ref int at)
    {
        int count = (int)Varint.Read(bytes, ref at);
        if (count == 0)
        {
            return null;
        }

        var pending = new List<PendingRequest>();
        for (int i = 0; i < count; i++)
        {
            long input = (long)Varint.Read(bytes, ref at);
            int ordinal = (int)Varint.Read(bytes, ref at);
            var kind = (RecordKind)bytes[at++];
            string tag = System.Text.Encoding.UTF8.GetString(Varint.ReadBytes(bytes, ref at));
            long due = Varint.ReadSigned(bytes, ref at);
            pending.Add(new PendingRequest(new RecordName(input, ordinal), kind, tag, due, Varint.ReadBytes(bytes, ref at).ToArray()));
        }

        return pending;
    }
}

/// <summary>Where the committed checkpoint of a grain lies.</summary>
internal readonly record struct CheckpointEntry(string Run, int At, int Length, long Position, bool HasPending);

/// <summary>The committed checkpoints of a partition by (operator, key).</summary>
internal sealed class CheckpointIndex
{
    private readonly Dictionary<byte[], CheckpointEntry> _entries = new(ByteKeyComparer.Instance);
    private readonly Dictionary<byte[], CheckpointEntry>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public CheckpointIndex() => _lookup = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => _entries.Count;

    public IEnumerable<(int Operator, byte[] Key, CheckpointEntry Entry)> All()
    {
        foreach ((byte[] composite, CheckpointEntry entry) in _entries)
        {
            int at = 0;
            int operatorId = (int)Varint.Read(composite, ref at);
            yield return (operatorId, composite[at..], entry);
        }
    }

    public bool Contains(int operatorId, ReadOnlySpan<byte> key) => TryGet(operatorId, key, out _);

    public bool TryGet(int operatorId, ReadOnlySpan<byte> key, out CheckpointEntry entry)
    {
        if (_entries.Count == 0)
        {
            entry = default;
            return false;
        }

        Span<byte> composite = stackalloc byte[8 + KeyCodec.MaxBytes];
        return _lookup.TryGetValue(composite[..Compose(operatorId, key, composite)], out entry);
    }

    public void Set(int operatorId, ReadOnlySpan<byte> key, CheckpointEntry entry)
    {
        Span<byte> composite = stackalloc byte[8 + KeyCodec.MaxBytes];
        _lookup[composite[..Compose(operatorId, key, composite)]] = entry;
    }

    private static int Compose(int operatorId, ReadOnlySpan<byte> key, Span<byte> to)
    {
        int at = 0;
        Varint.Write(to, ref at, (uint)operatorId);
        key.CopyTo(to[at..]);
        return at + key.Length;
    }
}
