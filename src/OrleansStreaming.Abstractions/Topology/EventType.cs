using System.Buffers;

namespace OrleansStreaming.Topologies;

/// <summary>Writes the key of an event as bytes and returns their number. Throws <see cref="KeyFormatException"/> for an unusable key.</summary>
internal delegate int KeyWriter<TEvent>(in TEvent value, Span<byte> destination);

/// <summary>One of the event types that a stream carries, with its encoding and its key.</summary>
internal abstract class EventType(Type clrType, string schema)
{
    /// <summary>
    /// The index of the type in its stream, from 0; stored in every record of a stream that carries several. The
    /// deployment manifest keeps it the same whatever the order of declaration.
    /// </summary>
    public int Index { get; internal set; }

    public Type ClrType { get; } = clrType;

    /// <summary>Stored with the deployment.</summary>
    public string Name { get; } = TypeNames.Stored(clrType);

    public string Schema { get; } = schema;

    public abstract bool CanReadSchema(string stored);

    /// <summary>Parses one JSON value and appends the event's bytes; returns the key's length. Throws JsonException.</summary>
    public abstract int EncodeJson(ref System.Text.Json.Utf8JsonReader reader, IBufferWriter<byte> payload, Span<byte> key);

    /// <summary>The event as JSON, for people and files.</summary>
    public abstract void WriteJson(ReadOnlySpan<byte> payload, System.Text.Json.Utf8JsonWriter output);

    /// <summary>Appends the bytes of an event of this very type; returns the key's length.</summary>
    public abstract int Encode(object value, IBufferWriter<byte> payload, Span<byte> key);

    /// <summary>The event.</summary>
    public abstract object Read(ReadOnlySpan<byte> payload);
}

/// <inheritdoc cref="EventType"/>
internal sealed class EventType<TEvent>(IEventSerializer<TEvent> serializer, KeyWriter<TEvent> key, System.Text.Json.JsonSerializerOptions json)
    : EventType(typeof(TEvent), serializer.Schema)
{
    public IEventSerializer<TEvent> Serializer { get; } = serializer;

    public KeyWriter<TEvent> Key { get; } = key;

    public override bool CanReadSchema(string stored) => stored == Serializer.Schema || Serializer.CanRead(stored);

    public override int EncodeJson(ref System.Text.Json.Utf8JsonReader reader, IBufferWriter<byte> payload, Span<byte> key)
    {
        TEvent value = System.Text.Json.JsonSerializer.Deserialize<TEvent>(ref reader, json)
            ?? throw new System.Text.Json.JsonException("null is not an event");
        int length = Key(in value, key);
        Serializer.Write(in value, payload);
        return length;
    }

    public override void WriteJson(ReadOnlySpan<byte> payload, System.Text.Json.Utf8JsonWriter output) =>
        System.Text.Json.JsonSerializer.Serialize(output, Serializer.Read(payload), json);

    public override int Encode(object value, IBufferWriter<byte> payload, Span<byte> key)
    {
        var typed = (TEvent)value;
        int length = Key(in typed, key);
        Serializer.Write(in typed, payload);
        return length;
    }

    public override object Read(ReadOnlySpan<byte> payload) => Serializer.Read(payload)!;
}

/// <summary>The key of an event cannot be used: empty, too long or missing.</summary>
internal sealed class KeyFormatException(string message) : FormatException(message);
