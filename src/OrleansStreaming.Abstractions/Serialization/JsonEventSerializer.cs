using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OrleansStreaming;

/// <summary>JSON by System.Text.Json: for every type that contains references.</summary>
internal sealed class JsonEventSerializer<T>(JsonSerializerOptions json) : IEventSerializer<T>, IJsonSchema
{
    private readonly JsonTypeInfo<T> _type = (JsonTypeInfo<T>)json.GetTypeInfo(typeof(T));

    /// <summary>Fields may come and go: JSON names them, so one schema stands for all versions of a type.</summary>
    public string Schema => "json";

    public bool CanRead(string storedSchema) => storedSchema == Schema;

    public void Write(in T value, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(value);
        Utf8JsonWriter writer = JsonWriters.Rent(output);
        JsonSerializer.Serialize(writer, value, _type);
        writer.Flush();

        // Not in a finally: a writer that threw half-way is not used again.
        JsonWriters.Return(writer);
    }

    public T Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, _type)
                ?? throw new FormatException($"The stored {typeof(T)} is null.");
        }
        catch (JsonException e)
        {
            throw new FormatException($"The stored {typeof(T)} is not valid: {e.Message}", e);
        }
    }
}

/// <summary>Marks serialisers that rely on the JSON metadata of their type, so that a topology can check it.</summary>
internal interface IJsonSchema;
