using System.Buffers;
using System.Text.Json;

namespace OrleansStreaming;

/// <summary>One reusable <see cref="Utf8JsonWriter"/> per thread, so that writing an event allocates no writer.</summary>
internal static class JsonWriters
{
    // Validation is for hand-written JSON; the serialiser gets nesting right by itself.
    private static readonly JsonWriterOptions Options = new() { SkipValidation = true, MaxDepth = 64 };

    private static readonly ArrayBufferWriter<byte> Nowhere = new(1);

    [ThreadStatic]
    private static Utf8JsonWriter? t_free;

    /// <summary>Takes the thread's writer. A converter that writes another event meanwhile gets one of its own.</summary>
    public static Utf8JsonWriter Rent(IBufferWriter<byte> output)
    {
        Utf8JsonWriter? writer = t_free;
        if (writer is null)
        {
            return new Utf8JsonWriter(output, Options);
        }

        t_free = null;
        writer.Reset(output);
        return writer;
    }

    /// <summary>Gives a flushed writer back.</summary>
    public static void Return(Utf8JsonWriter writer)
    {
        writer.Reset(Nowhere); // do not keep the caller's buffer alive
        t_free = writer;
    }
}
