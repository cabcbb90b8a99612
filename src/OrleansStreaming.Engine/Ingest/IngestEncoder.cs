using System.Buffers;
using System.Text.Json;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>The events of one request need too much space. Nothing was stored.</summary>
internal sealed class IngestTooLargeException(string message) : ArgumentException(message);

/// <summary>Encodes events for ingest, sorted by partition, as they will lie in the log. Not thread-safe; made for one request or source.</summary>
/// <param name="stream">Where they go.</param>
/// <param name="producer">The id of the producer; empty for none.</param>
/// <param name="sequence">The number of the request.</param>
internal sealed partial class IngestEncoder(StreamDefinition stream, byte[] producer, long sequence)
{
    /// <summary>What one request may bring, encoded: less than the longest frame of a journal.</summary>
    public const int MaxBytes = 48 << 20;

    private long _bytes;
    private readonly Scratch _scratch = Scratch.Take();
    private readonly Part?[] _parts = new Part?[stream.PartitionCount];

    public StreamDefinition Stream { get; } = stream;

    public byte[] Producer { get; } = producer;

    public long Sequence { get; } = sequence;

    public int Count { get; private set; }

    /// <summary>Copies the parts of the partitions that got events; returns how many.</summary>
    public int CopyParts(ref Part[] to)
    {
        if (to.Length < _parts.Length)
        {
            to = new Part[_parts.Length];
        }

        int count = 0;
        foreach (Part? part in _parts)
        {
            if (part is not null)
            {
                to[count++] = part;
            }
        }

        return count;
    }

    private byte[] Key => _scratch.Key;

    private ArrayBufferWriter<byte> Payload => _scratch.Payload;

    /// <summary>Nothing more is added. Lets the thread's next encoder have what only encoding needs.</summary>
    public void End() => _scratch.Return();

    /// <summary>Adds an event.</summary>
    /// <exception cref="KeyFormatException">Its key cannot be used.</exception>
    public void Add<TEvent>(EventType<TEvent> type, in TEvent value)
    {
        int keyLength = type.Key(in value, Key);
        Payload.ResetWrittenCount();
        type.Serializer.Write(in value, Payload);
        Append(type, PartitionOf(keyLength), keyLength);
    }

    /// <summary>Adds an event of a source to its partition's lane, unless the partition has it. Returns the lane.</summary>
    public Lane Add<TEvent>(EventType<TEvent> type, in TEvent value, long position, Lane[] lanes)
    {
        int keyLength = type.Key(in value, Key);
        Lane lane = lanes[PartitionOf(keyLength)];
        if (position > lane.Last)
        {
            Payload.ResetWrittenCount();
            type.Serializer.Write(in value, Payload);
            Row row = RowOf(type, keyLength, new RecordName(position, 0));
            lane.Gather(ref row, position);
        }

        return lane;
    }

    /// <summary>Adds the JSON value that the reader stands before.</summary>
    public void AddJson(EventType type, ref Utf8JsonReader reader)
    {
        Payload.ResetWrittenCount();
        int keyLength = type.EncodeJson(ref reader, Payload, Key);
        Append(type, PartitionOf(keyLength), keyLength);
    }

    /// <summary>Adds an event whose type is known only at run time; returns its key, to be used at once.</summary>
    /// <exception cref="KeyFormatException">Its key cannot be used.</exception>
    public ReadOnlySpan<byte> AddObject(EventType type, object value)
    {
        Payload.ResetWrittenCount();
        int keyLength = type.Encode(value, Payload, Key);
        Append(type, PartitionOf(keyLength), keyLength);
        return Key.AsSpan(0, keyLength);
    }

    private int PartitionOf(int keyLength) => KeyHash.PartitionOf(KeyHash.Compute(Key.AsSpan(0, keyLength)), Stream.PartitionCount);

    private void Append(EventType type, int index, int keyLength)
    {
        Part part = _parts[index] ??= Part.Take(PartitionId.Of(Stream, index));
        Row row = RowOf(type, keyLength, new RecordName(Sequence, part.Count));
        int before = part.Length;
        part.Append(ref row);
        _bytes += part.Length - before;
        Count++;
        if (_bytes > MaxBytes)
        {
            throw new IngestTooLargeException($"The first {Count} events need more than {MaxBytes} bytes; publish fewer at once.");
        }
    }

    private Row RowOf(EventType type, int keyLength, RecordName name) => new()
    {
        TypeIndex = (byte)type.Index,
        Key = _scratch.Key.AsSpan(0, keyLength),
        Payload = Payload.WrittenSpan,
        Producer = Producer.Length == 0 ? ProducerKind.None : ProducerKind.External,
        ProducerKey = Producer,
        Name = name,
    };

    /// <summary>Room for one event while it is encoded.</summary>
    private sealed class Scratch
    {
        private const int MaxBytesKept = 64 << 10;

        [ThreadStatic]
        private static Scratch? _spare;

        public byte[] Key { get; } = new byte[KeyCodec.MaxBytes];

        public ArrayBufferWriter<byte> Payload { get; } = new(256);

        public static Scratch Take()
        {
            Scratch taken = _spare ?? new Scratch();
            _spare = null;
            return taken;
        }

        public void Return() => _spare = Payload.Capacity <= MaxBytesKept ? this : null;
    }
}
