using System.Buffers;
using System.Text.Json;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>The events of one request need too much space. Nothing was stored.</summary>
internal sealed class IngestTooLargeException(string message) : ArgumentException(message);

/// <summary>
/// Encodes events for ingest, sorted by partition, as they will lie in the log. Not thread-safe; taken for one request or
/// source, and used again by the thread that has given it back.
/// </summary>
internal sealed partial class IngestEncoder
{
    /// <summary>What one request may bring, encoded: less than the longest frame of a journal.</summary>
    public const int MaxBytes = 48 << 20;

    private const int MaxBytesKept = 64 << 10;

    [ThreadStatic]
    private static IngestEncoder? _spare;
    private readonly byte[] _key = new byte[KeyCodec.MaxBytes];
    private readonly ArrayBufferWriter<byte> _payload = new(256);
    private long _bytes;
    private Part?[] _parts = [];

    private IngestEncoder(StreamDefinition stream) => Stream = stream;

    public StreamDefinition Stream { get; private set; }

    public byte[] Producer { get; private set; } = [];

    public long Sequence { get; private set; }

    public int Count { get; private set; }

    /// <summary>An encoder without events.</summary>
    /// <param name="stream">Where they go.</param>
    /// <param name="producer">The id of the producer; empty for none.</param>
    /// <param name="sequence">The number of the request.</param>
    public static IngestEncoder Take(StreamDefinition stream, byte[] producer, long sequence)
    {
        IngestEncoder taken = _spare ?? new IngestEncoder(stream);
        _spare = null;
        (taken.Stream, taken.Producer, taken.Sequence) = (stream, producer, sequence);
        if (taken._parts.Length < stream.PartitionCount)
        {
            taken._parts = new Part?[stream.PartitionCount];
        }

        return taken;
    }

    /// <summary>Gives the parts of the partitions that got events away, and itself back; returns how many they are.</summary>
    public int MoveParts(ref Part[] to)
    {
        if (to.Length < Stream.PartitionCount)
        {
            to = new Part[Stream.PartitionCount];
        }

        int count = 0;
        for (int i = 0; i < Stream.PartitionCount; i++)
        {
            if (_parts[i] is { } part)
            {
                to[count++] = part;
                _parts[i] = null;
            }
        }

        Count = 0;
        _bytes = 0;
        _spare = _payload.Capacity <= MaxBytesKept ? this : null;
        return count;
    }

    /// <summary>Adds an event.</summary>
    /// <exception cref="KeyFormatException">Its key cannot be used.</exception>
    public void Add<TEvent>(EventType<TEvent> type, in TEvent value)
    {
        int keyLength = type.Key(in value, _key);
        Part part = PartOf(keyLength);
        int before = part.Length;
        Row row = RowOf(type, keyLength, new RecordName(Sequence, part.Count));
        part.Append(ref row, type.Serializer, in value);
        CountOne(part.Length - before);
    }

    /// <summary>Adds an event of a source to its partition's lane, unless the partition has it. Returns the lane.</summary>
    public Lane Add<TEvent>(EventType<TEvent> type, in TEvent value, long position, Lane[] lanes)
    {
        int keyLength = type.Key(in value, _key);
        Lane lane = lanes[PartitionOf(keyLength)];
        if (position > lane.Last)
        {
            Row row = RowOf(type, keyLength, new RecordName(position, 0));
            lane.Gather(ref row, type.Serializer, in value, position);
        }

        return lane;
    }

    /// <summary>Adds the JSON value that the reader stands before.</summary>
    public void AddJson(EventType type, ref Utf8JsonReader reader)
    {
        _payload.ResetWrittenCount();
        int keyLength = type.EncodeJson(ref reader, _payload, _key);
        Append(type, keyLength);
    }

    /// <summary>Adds an event whose type is known only at run time; returns its key, to be used at once.</summary>
    /// <exception cref="KeyFormatException">Its key cannot be used.</exception>
    public ReadOnlySpan<byte> AddObject(EventType type, object value)
    {
        _payload.ResetWrittenCount();
        int keyLength = type.Encode(value, _payload, _key);
        Append(type, keyLength);
        return _key.AsSpan(0, keyLength);
    }

    private int PartitionOf(int keyLength) => KeyHash.PartitionOf(KeyHash.Compute(_key.AsSpan(0, keyLength)), Stream.PartitionCount);

    private Part PartOf(int keyLength)
    {
        int index = PartitionOf(keyLength);
        return _parts[index] ??= Part.Take(PartitionId.Of(Stream, index));
    }

    private void Append(EventType type, int keyLength)
    {
        Part part = PartOf(keyLength);
        int before = part.Length;
        Row row = RowOf(type, keyLength, new RecordName(Sequence, part.Count));
        row.Payload = _payload.WrittenSpan;
        part.Append(ref row);
        CountOne(part.Length - before);
    }

    private void CountOne(int bytes)
    {
        _bytes += bytes;
        Count++;
        if (_bytes > MaxBytes)
        {
            throw new IngestTooLargeException($"The first {Count} events need more than {MaxBytes} bytes; publish fewer at once.");
        }
    }

    private Row RowOf(EventType type, int keyLength, RecordName name) => new()
    {
        TypeIndex = (byte)type.Index,
        Key = _key.AsSpan(0, keyLength),
        Producer = Producer.Length == 0 ? ProducerKind.None : ProducerKind.External,
        ProducerKey = Producer,
        Name = name,
    };
}
