using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OrleansStreaming;

/// <summary>An event as one line of JSON.</summary>
internal static class JsonLine
{
    public static void Write<TEvent>(TEvent value, JsonTypeInfo<TEvent> type, IBufferWriter<byte> output)
    {
        Utf8JsonWriter writer = JsonWriters.Rent(output);
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
        JsonWriters.Return(writer);
        output.Write("\n"u8);
    }
}
