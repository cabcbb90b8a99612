using System.Buffers;
using System.Text.Json;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Embedded;

/// <summary>The events of one request need too much space. Nothing was stored.</summary>
internal sealed class IngestTooLargeException(string message) : ArgumentException(message);

/// <summary>Encodes events for ingest, sorted by partition. Not thread-safe; made for one request.</summary>
internal sealed class IngestEncoder(StreamDefinition stream)
{
    /// <summary>What one request may bring, encoded: less than the longest frame of a journal.</summary>
    public const int MaxBytes = 48 << 20;

    private long _bytes;
    private int _keyLength;
    private readonly byte[] _key = new byte[KeyCodec.MaxBytes];
    private readonly ArrayBufferWriter<byte> _payload = new(256);
    private readonly Part?[] _parts = new Part?[stream.PartitionCount];

    public StreamDefinition Stream { get; } = stream;

    public int Count { get; private set; }

    /// <summary>Partitions that got events.</summary>
    public IEnumerable<Part> Parts => _parts.OfType<Part>();

    /// <summary>Adds an event.</summary>
    /// <exception cref="KeyFormatException">Its key cannot be used.</exception>
    public void Add<TEvent>(EventType<TEvent> type, in TEvent value)
    {
        int keyLength = type.Key(in value, _key);
        _payload.ResetWrittenCount();
        type.Serializer.Write(in value, _payload);
        Append(type, PartitionOf(keyLength), keyLength, null);
    }

    /// <summary>Encodes the key of an event; returns the partition that it belongs to. The key holds for the next <see cref="Add{TEvent}(EventType{TEvent}, in TEvent, int, long)"/>.</summary>
    public int PartitionOf<TEvent>(EventType<TEvent> type, in TEvent value)
    {
        _keyLength = type.Key(in value, _key);
        return PartitionOf(_keyLength);
    }

    /// <summary>Adds an event of a source to the partition just found; returns what the partition has gathered.</summary>
    public Part Add<TEvent>(EventType<TEvent> type, in TEvent value, int index, long position)
    {
        _payload.ResetWrittenCount();
        type.Serializer.Write(in value, _payload);
        Append(type, index, _keyLength, new RecordName(position, 0));
        return _parts[index]!;
    }

    /// <summary>Takes what a partition has gathered, or null.</summary>
    public Part? Take(int index)
    {
        Part? part = _parts[index];
        _parts[index] = null;
        _bytes -= part?.Length ?? 0;
        Count -= part?.Count ?? 0;
        return part;
    }

    /// <summary>Adds the JSON value that the reader stands before.</summary>
    public void AddJson(EventType type, ref Utf8JsonReader reader)
    {
        _payload.ResetWrittenCount();
        int keyLength = type.EncodeJson(ref reader, _payload, _key);
        Append(type, PartitionOf(keyLength), keyLength, null);
    }

    private int PartitionOf(int keyLength) => KeyHash.PartitionOf(KeyHash.Compute(_key.AsSpan(0, keyLength)), Stream.PartitionCount);

    private void Append(EventType type, int index, int keyLength, RecordName? name)
    {
        Part part = _parts[index] ??= new Part(PartitionId.Of(Stream, index), index);
        var row = new Row
        {
            TypeIndex = (byte)type.Index,
            Key = _key.AsSpan(0, keyLength),
            Payload = _payload.WrittenSpan,
            Producer = name is null ? ProducerKind.None : ProducerKind.External,
            Name = name ?? default,
        };
        int before = part.Length;
        part.Append(ref row);
        _bytes += part.Length - before;
        Count++;
        if (_bytes > MaxBytes)
        {
            throw new IngestTooLargeException($"The first {Count} events need more than {MaxBytes} bytes; publish fewer at once.");
        }
    }

    /// <summary>The events of one partition, in a rented buffer.</summary>
    internal sealed class Part(int partition, int index)
    {
        public int Partition { get; } = partition;

        public int Index { get; } = index;

        public byte[] Rows { get; private set; } = [];

        public int Length { get; private set; }

        public int Count { get; private set; }

        public void Append(ref Row row)
        {
            int needed = Length + row.MaxSize;
            if (needed > Rows.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(512, Rows.Length * 2)));
                Rows.AsSpan(0, Length).CopyTo(larger);
                Release();
                Rows = larger;
            }

            Length += row.Write(Rows.AsSpan(Length), 0);
            Count++;
        }

        /// <summary>Gives the buffer back: nobody reads it any more.</summary>
        public void Release()
        {
            if (Rows.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(Rows);
                Rows = [];
            }
        }
    }
}
