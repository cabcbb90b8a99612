namespace OrleansStreaming.Core;

/// <summary>What a record is. Stored: do not renumber.</summary>
internal enum RecordKind : byte
{
    /// <summary>An event of the stream.</summary>
    Event = 0,

    /// <summary>A timer of one grain came due; the payload is its name.</summary>
    Timer = 1,

    /// <summary>The answer of a recorded call of one grain.</summary>
    CallResult = 2,

    /// <summary>An event that one grain leaves out because its turn threw; the payload is the reason.</summary>
    Decision = 3,
}

/// <summary>Who made a record, hence what its name means. Stored: do not renumber.</summary>
internal enum ProducerKind : byte
{
    /// <summary>Unnamed: an HTTP client without an id.</summary>
    None = 0,

    /// <summary>A grain of another partition or of this one; named by the input that made it and an ordinal.</summary>
    Grain = 1,

    /// <summary>A source or an HTTP client with an id; named by its sequence and an ordinal.</summary>
    External = 2,

    /// <summary>The grain itself, for itself: timers, results, decisions; named by the input that asked.</summary>
    Self = 3,
}

/// <summary>Unique in a partition per producer; the same whenever the record is made again.</summary>
internal readonly record struct RecordName(long Input, int Ordinal) : IComparable<RecordName>
{
    public int CompareTo(RecordName other) => Input != other.Input ? Input.CompareTo(other.Input) : Ordinal.CompareTo(other.Ordinal);

    public static bool operator <=(RecordName a, RecordName b) => a.CompareTo(b) <= 0;

    public static bool operator >=(RecordName a, RecordName b) => a.CompareTo(b) >= 0;

    public override string ToString() => $"{new Offset(Input)}#{Ordinal}";
}

/// <summary>
/// A record as it lies in a block, and the one place that knows its layout (docs/formats.md): flags u8 (kind in the low two
/// bits, producer kind in the next two, then has-type, has-slot, has-time), [type u8], [vector slot], [time delta, zigzag],
/// key, producer, payload. Numbers are LEB128, byte strings have their length in front.
/// </summary>
internal ref struct Row
{
    private const int HasType = 0x10;
    private const int HasSlot = 0x20;
    private const int HasTime = 0x40;

    public RecordKind Kind;
    public ProducerKind Producer;
    public byte TypeIndex;

    /// <summary>Index of the vector in the block, from 1; 0 for none.</summary>
    public int Slot;

    /// <summary>Microseconds since 1970, UTC.</summary>
    public long Time;
    public ReadOnlySpan<byte> Key;

    /// <summary>The producing operator; for <see cref="ProducerKind.Self"/> the operator addressed.</summary>
    public int OperatorId;

    /// <summary>The producing grain's key, or the external producer's id.</summary>
    public ReadOnlySpan<byte> ProducerKey;
    public RecordName Name;
    public ReadOnlySpan<byte> Payload;

    /// <summary>An upper bound of the bytes that <see cref="Write"/> needs.</summary>
    public readonly int MaxSize => 64 + Key.Length + ProducerKey.Length + Payload.Length;

    /// <summary>Reads the row at the start of a span and returns its length. The bytes have passed their checksum.</summary>
    public static int Read(ReadOnlySpan<byte> from, long baseTime, out Row row)
    {
        Parse(from, baseTime, out RowLayout layout);
        layout.In(from, out row);
        return layout.Length;
    }

    /// <summary>Finds out where the parts of the row at the start of a span lie.</summary>
    public static void Parse(ReadOnlySpan<byte> from, long baseTime, out RowLayout row)
    {
        row = default;
        int flags = from[0], at = 1;
        row.Kind = (RecordKind)(flags & 3);
        row.Producer = (ProducerKind)((flags >> 2) & 3);
        if ((flags & HasType) != 0)
        {
            row.TypeIndex = from[at++];
        }

        if ((flags & HasSlot) != 0)
        {
            row.Slot = (int)Varint.Read(from, ref at);
        }

        row.Time = (flags & HasTime) != 0 ? baseTime + Varint.ReadSigned(from, ref at) : baseTime;
        row.KeyLength = Varint.ReadLength(from, ref at);
        row.KeyAt = at;
        at += row.KeyLength;
        if (row.Producer != ProducerKind.None)
        {
            if (row.Producer != ProducerKind.External)
            {
                row.OperatorId = (int)Varint.Read(from, ref at);
            }

            if (row.Producer != ProducerKind.Self)
            {
                row.ProducerLength = Varint.ReadLength(from, ref at);
                row.ProducerAt = at;
                at += row.ProducerLength;
            }

            long input = (long)Varint.Read(from, ref at);
            row.Name = new RecordName(input, (int)Varint.Read(from, ref at));
        }

        row.PayloadLength = Varint.ReadLength(from, ref at);
        row.PayloadAt = at;
        row.Length = at + row.PayloadLength;
    }

    /// <summary>Writes the row and returns its length.</summary>
    public readonly int Write(Span<byte> to, long baseTime)
    {
        int at = WriteHead(to, baseTime);
        Varint.WriteBytes(to, ref at, Payload);
        return at;
    }

    /// <summary>Writes what comes before the payload and its length; returns how much that is.</summary>
    public readonly int WriteHead(Span<byte> to, long baseTime)
    {
        int at = 1;
        to[0] = (byte)((int)Kind | ((int)Producer << 2) | (TypeIndex != 0 ? HasType : 0) | (Slot != 0 ? HasSlot : 0) | (Time != baseTime ? HasTime : 0));
        if (TypeIndex != 0)
        {
            to[at++] = TypeIndex;
        }

        if (Slot != 0)
        {
            Varint.Write(to, ref at, (uint)Slot);
        }

        if (Time != baseTime)
        {
            Varint.WriteSigned(to, ref at, Time - baseTime);
        }

        Varint.WriteBytes(to, ref at, Key);
        if (Producer != ProducerKind.None)
        {
            if (Producer != ProducerKind.External)
            {
                Varint.Write(to, ref at, (uint)OperatorId);
            }

            if (Producer != ProducerKind.Self)
            {
                Varint.WriteBytes(to, ref at, ProducerKey);
            }

            Varint.Write(to, ref at, (ulong)Name.Input);
            Varint.Write(to, ref at, (uint)Name.Ordinal);
        }

        return at;
    }
}

/// <summary>A row without its bytes: its numbers, and where its byte strings lie from the start of the row.</summary>
internal struct RowLayout
{
    public RecordKind Kind;
    public ProducerKind Producer;
    public byte TypeIndex;
    public int Slot;
    public long Time;
    public int KeyAt;
    public int KeyLength;
    public int OperatorId;
    public int ProducerAt;
    public int ProducerLength;
    public RecordName Name;
    public int PayloadAt;
    public int PayloadLength;

    /// <summary>Of the whole row.</summary>
    public int Length;

    /// <summary>
    /// Gives the row in the span that it was read from. Written field by field where it is to be: a processor that copies it in
    /// large pieces right after it was written in small ones waits until all that was written before has left for the caches.
    /// </summary>
    public readonly void In(ReadOnlySpan<byte> from, out Row row)
    {
        row.Kind = Kind;
        row.Producer = Producer;
        row.TypeIndex = TypeIndex;
        row.Slot = Slot;
        row.Time = Time;
        row.Key = from.Slice(KeyAt, KeyLength);
        row.OperatorId = OperatorId;
        row.ProducerKey = from.Slice(ProducerAt, ProducerLength);
        row.Name = Name;
        row.Payload = from.Slice(PayloadAt, PayloadLength);
    }
}

/// <summary>LEB128 numbers and length-prefixed byte strings.</summary>
internal static class Varint
{
    /// <summary>Whether reading failed as a length or a count led outside of the bytes: a reader reports that as damage.</summary>
    public static bool IsOutside(Exception e) => e is IndexOutOfRangeException or ArgumentException or OverflowException;

    public static ulong Read(ReadOnlySpan<byte> from, scoped ref int at)
    {
        ulong value = from[at++];
        if (value < 0x80)
        {
            return value;
        }

        value &= 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            ulong b = from[at++];
            value |= (b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }

    public static long ReadSigned(ReadOnlySpan<byte> from, scoped ref int at)
    {
        ulong value = Read(from, ref at);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Reads the length of a byte string that follows within the span.</summary>
    public static int ReadLength(ReadOnlySpan<byte> from, scoped ref int at)
    {
        ulong length = Read(from, ref at);
        return length <= (ulong)(from.Length - at) ? (int)length : throw new ArgumentOutOfRangeException(nameof(from), "a byte string is longer than what holds it");
    }

    public static ReadOnlySpan<byte> ReadBytes(ReadOnlySpan<byte> from, scoped ref int at)
    {
        int length = ReadLength(from, ref at);
        ReadOnlySpan<byte> bytes = from.Slice(at, length);
        at += length;
        return bytes;
    }

    /// <summary>How many bytes a value takes.</summary>
    public static int Length(ulong value) => (63 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7 + 1;

    public static void Write(Span<byte> to, ref int at, ulong value)
    {
        while (value >= 0x80)
        {
            to[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[at++] = (byte)value;
    }

    public static void WriteSigned(Span<byte> to, ref int at, long value) => Write(to, ref at, (ulong)((value << 1) ^ (value >> 63)));

    public static void WriteBytes(Span<byte> to, ref int at, ReadOnlySpan<byte> bytes)
    {
        Write(to, ref at, (uint)bytes.Length);
        bytes.CopyTo(to[at..]);
        at += bytes.Length;
    }
}
