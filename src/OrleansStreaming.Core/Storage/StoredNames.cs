using System.Text;

namespace OrleansStreaming.Core;

/// <summary>The names of journals, records and runs as bytes.</summary>
internal static class StoredNames
{
    /// <summary>Throws on what is not valid Unicode, both ways.</summary>
    public static UTF8Encoding Strict { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The bytes of a name.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or not valid Unicode.</exception>
    public static byte[] Encode(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        byte[] bytes = Strict.GetBytes(name);
        return bytes.Length <= ushort.MaxValue
            ? bytes
            : throw new ArgumentException($"A name has at most {ushort.MaxValue} bytes, this one {bytes.Length}.", nameof(name));
    }
}
