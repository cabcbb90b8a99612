using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace OrleansStreaming.Topologies;

/// <summary>
/// The one place that knows how a key looks as bytes: a string as UTF-8, a number as 8 little-endian bytes, a Guid as its
/// 16 bytes. No string is made on the way in.
/// </summary>
internal static class KeyCodec
{
    /// <summary>The longest key; a buffer of this size holds any.</summary>
    public const int MaxBytes = 1024;

    private const int GuidBytes = 16;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static int Write(string? key, Span<byte> destination)
    {
        if (string.IsNullOrEmpty(key))
        {
            throw new KeyFormatException(key is null
                ? $"The key is null. A key has 1 to {MaxBytes} bytes of UTF-8."
                : $"The key is empty. A key has 1 to {MaxBytes} bytes of UTF-8.");
        }

        Span<byte> limited = destination.Length > MaxBytes ? destination[..MaxBytes] : destination;
        switch (Utf8.FromUtf16(key, limited, out _, out int written, replaceInvalidSequences: false))
        {
            case OperationStatus.Done:
                return written;
            case OperationStatus.DestinationTooSmall when limited.Length == MaxBytes:
                throw new KeyFormatException(
                    $"The key '{Start(key)}...' is longer than {MaxBytes} bytes of UTF-8, which is the limit for keys.");
            case OperationStatus.DestinationTooSmall:
                throw new ArgumentException($"The destination has {destination.Length} bytes; a key can need {MaxBytes}.", nameof(destination));
            default:
                // Writing a replacement character would give two different keys the same grain.
                throw new KeyFormatException($"The key '{Start(key)}' is not valid Unicode: it has half of a surrogate pair.");
        }
    }

    public static int Write(long key, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64LittleEndian(destination, key);
        return sizeof(long);
    }

    public static int Write(Guid key, Span<byte> destination)
    {
        if (!key.TryWriteBytes(destination))
        {
            throw new ArgumentException($"The destination has {destination.Length} bytes; a Guid needs {GuidBytes}.", nameof(destination));
        }

        return GuidBytes;
    }

    public static string ReadString(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty || key.Length > MaxBytes)
        {
            throw new KeyFormatException($"A string key of {key.Length} bytes cannot be; 1 to {MaxBytes} are allowed.");
        }

        try
        {
            return StrictUtf8.GetString(key);
        }
        catch (DecoderFallbackException e)
        {
            throw new KeyFormatException($"The stored key is not UTF-8: {e.Message}");
        }
    }

    public static long ReadInt64(ReadOnlySpan<byte> key) => key.Length == sizeof(long)
        ? BinaryPrimitives.ReadInt64LittleEndian(key)
        : throw new KeyFormatException($"A number as key has {sizeof(long)} bytes, not {key.Length}.");

    public static Guid ReadGuid(ReadOnlySpan<byte> key) => key.Length == GuidBytes
        ? new Guid(key)
        : throw new KeyFormatException($"A Guid as key has {GuidBytes} bytes, not {key.Length}.");

    /// <summary>Reads a key as the type that a grain declares: <see cref="string"/>, <see cref="long"/> or <see cref="Guid"/>.</summary>
    public static TKey Decode<TKey>(ReadOnlySpan<byte> key)
    {
        if (typeof(TKey) == typeof(string))
        {
            return (TKey)(object)ReadString(key);
        }

        // The casts of these two disappear in the compiled code: TKey is a known value type there.
        if (typeof(TKey) == typeof(long))
        {
            return (TKey)(object)ReadInt64(key);
        }

        return typeof(TKey) == typeof(Guid) ? (TKey)(object)ReadGuid(key) : throw NotAKey(typeof(TKey));
    }

    /// <summary>The key as people and addresses write it.</summary>
    public static string ToText(KeyKind kind, ReadOnlySpan<byte> key) => kind switch
    {
        KeyKind.String => ReadString(key),
        KeyKind.Int64 => ReadInt64(key).ToString(CultureInfo.InvariantCulture),
        KeyKind.Guid => ReadGuid(key).ToString("D"),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Writes what <see cref="ToText"/> returns; false when there is no room.</summary>
    public static bool TryFormat(KeyKind kind, ReadOnlySpan<byte> key, Span<char> destination, out int written) => kind switch
    {
        KeyKind.String => StrictUtf8.TryGetChars(key, destination, out written),
        KeyKind.Int64 => ReadInt64(key).TryFormat(destination, out written, provider: CultureInfo.InvariantCulture),
        KeyKind.Guid => ReadGuid(key).TryFormat(destination, out written, "D"),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Reads a key that a person or an address gave.</summary>
    /// <returns>False when the text is not a key of that kind.</returns>
    public static bool TryParse(KeyKind kind, string? text, Span<byte> destination, out int length)
    {
        length = 0;
        switch (kind)
        {
            case KeyKind.String when !string.IsNullOrEmpty(text):
                Span<byte> limited = destination.Length > MaxBytes ? destination[..MaxBytes] : destination;
                return Utf8.FromUtf16(text, limited, out _, out length, replaceInvalidSequences: false) == OperationStatus.Done;
            case KeyKind.Int64 when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number):
                length = Write(number, destination);
                return true;
            case KeyKind.Guid when Guid.TryParse(text, out Guid guid):
                length = Write(guid, destination);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The kind of a key type, or null when it cannot be one.</summary>
    public static KeyKind? KindOf(Type type) =>
        type == typeof(string) ? KeyKind.String
        : type == typeof(long) ? KeyKind.Int64
        : type == typeof(Guid) ? KeyKind.Guid
        : null;

    /// <summary>The key type of a kind, as a message names it.</summary>
    public static string NameOf(KeyKind kind) => kind switch
    {
        KeyKind.String => "string",
        KeyKind.Int64 => "long",
        KeyKind.Guid => "Guid",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Makes the writer of a <c>keyedBy</c> function.</summary>
    public static KeyWriter<TEvent> WriterOf<TEvent, TKey>(Func<TEvent, TKey> keyedBy) => keyedBy switch
    {
        Func<TEvent, string> text => (in TEvent value, Span<byte> destination) => Write(text(value), destination),
        Func<TEvent, long> number => (in TEvent value, Span<byte> destination) => Write(number(value), destination),
        Func<TEvent, Guid> guid => (in TEvent value, Span<byte> destination) => Write(guid(value), destination),
        _ => throw NotAKey(typeof(TKey)),
    };

    private static NotSupportedException NotAKey(Type type) => new($"{type} cannot be a key: a key is a string, a long or a Guid.");

    private static string Start(string key) => key.Length <= 32 ? key : key[..32];
}
