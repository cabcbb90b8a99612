using System.Buffers;

namespace OrleansStreaming;

/// <summary>Turns values of one type into bytes and back. Must be deterministic and thread-safe.</summary>
/// <typeparam name="T">An event, a state, a request or a result.</typeparam>
public interface IEventSerializer<T>
{
    /// <summary>
    /// Describes the encoding, such as <c>blittable:Count=Int64@0,...;16</c> or <c>json</c>. Stored with the deployment; a
    /// start with another text is refused unless <see cref="CanRead"/> accepts the stored one.
    /// </summary>
    string Schema { get; }

    /// <summary>Whether values written under an older schema can be read.</summary>
    /// <param name="storedSchema">The schema that the deployment was written with.</param>
    bool CanRead(string storedSchema);

    /// <summary>Appends the bytes of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="output">Where to.</param>
    void Write(in T value, IBufferWriter<byte> output);

    /// <summary>Reads a value.</summary>
    /// <param name="bytes">Exactly what <see cref="Write"/> wrote.</param>
    /// <exception cref="FormatException">The bytes are not a value of this type.</exception>
    T Read(ReadOnlySpan<byte> bytes);
}
