using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace OrleansStreaming.Core;

/// <summary>The highest name of a producer in a partition.</summary>
internal readonly record struct ProducerEntry(RecordName Name, int Journal, long Lsn, long TimeMs);

/// <summary>
/// Highest names by producer: a grain, or an external producer (HTTP client, source). Keyed by bytes: producer kind, then for
/// grains the operator, then key or id.
/// </summary>
internal sealed class ProducerTable
{
    private const int SmallestEntry = 5;
    private Dictionary<ReadOnlyMemory<byte>, ProducerEntry> _entries;
    private Dictionary<ReadOnlyMemory<byte>, ProducerEntry>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    /// <summary>How many it had when it was read: their keys lie in what was read.</summary>
    private int _read;

    public ProducerTable(int capacity = 0) => Use(new Dictionary<ReadOnlyMemory<byte>, ProducerEntry>(capacity, KeyMemoryComparer.Instance));

    public const int MaxKeyBytes = 16 + KeyCodec.MaxBytes;

    public int Count => _entries.Count;

    /// <summary>How many of the producers are not grains.</summary>
    public int External { get; private set; }

    public IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ProducerEntry>> Entries => _entries;

    /// <summary>Writes the key of the producer of a row and returns its length.</summary>
    public static int KeyOf(in Row row, Span<byte> to)
    {
        int at = 0;
        to[at++] = (byte)row.Producer;
        if (row.Producer == ProducerKind.Grain)
        {
            Varint.Write(to, ref at, (uint)row.OperatorId);
        }

        row.ProducerKey.CopyTo(to[at..]);
        return at + row.ProducerKey.Length;
    }

    public bool TryGet(ReadOnlySpan<byte> key, out ProducerEntry entry) => _lookup.TryGetValue(key, out entry);

    /// <summary>Takes a name if it is higher than the one known. Returns whether none was known of its producer.</summary>
    public bool Raise(ReadOnlySpan<byte> key, in ProducerEntry entry)
    {
        bool isNew = !_lookup.TryGetValue(key, out ProducerEntry known);
        if (isNew || entry.Name.CompareTo(known.Name) > 0)
        {
            External += isNew && key[0] == (byte)ProducerKind.External ? 1 : 0;
            _lookup[key] = entry;
        }

        return isNew;
    }

    /// <summary>How many clients and sources are here and in another table.</summary>
    public int CountExternal(ProducerTable other) =>
        _entries.Keys.Count(key => key.Span[0] == (byte)ProducerKind.External && other._entries.ContainsKey(key));

    public void RemoveWhere(Func<ReadOnlyMemory<byte>, ProducerEntry, bool> condition)
    {
        foreach ((ReadOnlyMemory<byte> key, ProducerEntry entry) in _entries)
        {
            if (condition(key, entry))
            {
                External -= key.Span[0] == (byte)ProducerKind.External ? 1 : 0;
                _entries.Remove(key);
            }
        }

        if (Count < _read / 4)
        {
            LetGo();
        }
    }

    /// <summary>The table as the content of a run: magic u32, count u32, per entry key, input, ordinal, time; CRC u32 at the end.</summary>
    public byte[] ToBytes()
    {
        var output = new ArrayBufferWriter<byte>(16 + (_entries.Count * 48));
        Span<byte> head = output.GetSpan(8);
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], _entries.Count);
        output.Advance(8);
        foreach ((ReadOnlyMemory<byte> key, ProducerEntry entry) in _entries)
        {
            Span<byte> to = output.GetSpan(key.Length + 40);
            int at = 0;
            Varint.WriteBytes(to, ref at, key.Span);
            Varint.Write(to, ref at, (ulong)entry.Name.Input);
            Varint.Write(to, ref at, (uint)entry.Name.Ordinal);
            Varint.Write(to, ref at, (ulong)entry.TimeMs);
            output.Advance(at);
        }

        uint sum = Crc32C.Compute(output.WrittenSpan);
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(4), sum);
        output.Advance(4);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote. The keys stay where they are: tables have tens of thousands, and a recovery waits for them.</summary>
    public static ProducerTable Parse(string run, ReadOnlyMemory<byte> content)
    {
        ReadOnlySpan<byte> bytes = content.Span;
        if (bytes.Length < 12 || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Crc32C.Compute(bytes[..^4]))
        {
            throw new CorruptDataException(run, 0, "expected a table of producers that matches its checksum");
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), at = 8;
        var table = new ProducerTable(Math.Clamp(count, 0, bytes.Length / SmallestEntry)) { _read = count };
        for (int i = 0; i < count; i++)
        {
            int length = Varint.ReadBytes(bytes, ref at).Length;
            ReadOnlyMemory<byte> key = content.Slice(at - length, length);
            table.External += key.Span[0] == (byte)ProducerKind.External ? 1 : 0;
            long input = (long)Varint.Read(bytes, ref at);
            int ordinal = (int)Varint.Read(bytes, ref at);
            table._entries[key] = new ProducerEntry(new RecordName(input, ordinal), -1, 0, (long)Varint.Read(bytes, ref at));
        }

        return table;
    }

    [MemberNotNull(nameof(_entries))]
    private void Use(Dictionary<ReadOnlyMemory<byte>, ProducerEntry> entries)
    {
        _entries = entries;
        _lookup = entries.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Most of what was read has been forgotten: the rest gets memory of its own.</summary>
    private void LetGo()
    {
        _read = 0;
        var own = new Dictionary<ReadOnlyMemory<byte>, ProducerEntry>(Count, KeyMemoryComparer.Instance);
        foreach ((ReadOnlyMemory<byte> key, ProducerEntry entry) in _entries)
        {
            own.Add(key.ToArray(), entry);
        }

        Use(own);
    }

    private const uint Magic = 0x5450534F; // "OSPT"
}

/// <summary>Compares byte strings that lie in larger ones by content, also against spans.</summary>
internal sealed class KeyMemoryComparer : IEqualityComparer<ReadOnlyMemory<byte>>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ReadOnlyMemory<byte>>
{
    public static readonly KeyMemoryComparer Instance = new();

    public bool Equals(ReadOnlyMemory<byte> a, ReadOnlyMemory<byte> b) => a.Span.SequenceEqual(b.Span);

    public int GetHashCode(ReadOnlyMemory<byte> key) => (int)KeyHash.Compute(key.Span);

    public bool Equals(ReadOnlySpan<byte> span, ReadOnlyMemory<byte> key) => span.SequenceEqual(key.Span);

    public int GetHashCode(ReadOnlySpan<byte> span) => (int)KeyHash.Compute(span);

    public ReadOnlyMemory<byte> Create(ReadOnlySpan<byte> span) => span.ToArray();
}

/// <summary>Compares byte strings by content, also against spans.</summary>
internal sealed class ByteKeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly ByteKeyComparer Instance = new();

    public bool Equals(byte[]? a, byte[]? b) => a.AsSpan().SequenceEqual(b);

    public int GetHashCode(byte[] key) => (int)KeyHash.Compute(key);

    public bool Equals(ReadOnlySpan<byte> span, byte[] key) => span.SequenceEqual(key);

    public int GetHashCode(ReadOnlySpan<byte> span) => (int)KeyHash.Compute(span);

    public byte[] Create(ReadOnlySpan<byte> span) => span.ToArray();
}
