using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>
/// The name of an event that leaves the system: unique in its partition, and the same whenever the event is produced again.
/// It becomes text only when asked for, so that it costs nothing where nobody does. Converts to and from a string by itself;
/// equal names have equal texts. Stays valid for ever.
/// </summary>
[JsonConverter(typeof(EventNameJson))]
public readonly struct EventName : IEquatable<EventName>, ISpanFormattable
{
    private const int MaxCharsOnStack = 256;

    private readonly Kind _kind;
    private readonly short _keyLength;
    private readonly int _keyAt;
    private readonly int _ordinal;
    private readonly long _input;
    private readonly object? _maker;
    private readonly byte[]? _keys;

    /// <summary>A name that is given as text.</summary>
    /// <param name="text">The text.</param>
    public EventName(string text) => _maker = text;

    private EventName(Kind kind, object? maker, ArraySegment<byte> key, long input, int ordinal)
    {
        _kind = kind;
        _maker = maker;
        _keys = key.Array;
        _keyAt = key.Offset;
        _keyLength = (short)key.Count;
        _input = input;
        _ordinal = ordinal;
    }

    private enum Kind : byte
    {
        Text,
        Grain,
        Producer,
        Unnamed,
    }

    private ReadOnlySpan<byte> Key => _keys.AsSpan(_keyAt, _keyLength);

    private string Text => (string?)_maker ?? string.Empty;

    private OperatorDefinition Operator => (OperatorDefinition)_maker!;

    /// <summary>An output of a grain. The bytes of its key must never change.</summary>
    internal static EventName OfGrain(OperatorDefinition maker, ArraySegment<byte> key, Offset input, int ordinal) => new(Kind.Grain, maker, key, input.Value, ordinal);

    /// <summary>What a source or a client with an id has brought. The bytes of the id must never change.</summary>
    internal static EventName OfProducer(ArraySegment<byte> id, long sequence, int ordinal) => new(Kind.Producer, null, id, sequence, ordinal);

    /// <summary>What a client without an id has brought.</summary>
    internal static EventName OfUnnamed(Offset offset) => new(Kind.Unnamed, null, default, offset.Value, 0);

    /// <summary>The text.</summary>
    /// <param name="name">The name.</param>
    public static implicit operator string(EventName name) => name.ToString();

    /// <summary>The name of a text.</summary>
    /// <param name="text">The text.</param>
    public static implicit operator EventName(string text) => new(text);

    /// <summary>Compares the texts.</summary>
    public static bool operator ==(EventName a, EventName b) => a.Equals(b);

    /// <summary>Compares the texts.</summary>
    public static bool operator !=(EventName a, EventName b) => !a.Equals(b);

    /// <summary>The text.</summary>
    public override string ToString() => _kind == Kind.Text ? Text : Format(static text => text.ToString());

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null)
    {
        var writer = new Writer(destination);
        switch (_kind)
        {
            case Kind.Text:
                writer.Add(Text);
                break;
            case Kind.Grain:
                writer.Add(Operator.Name);
                writer.Add("/");
                writer.AddKey(Operator.From.KeyKind, Key);
                writer.Add("/");
                writer.Add(new Offset(_input));
                writer.Add("#");
                writer.Add(_ordinal);
                break;
            case Kind.Producer:
                writer.AddUtf8(Key);
                writer.Add("/");
                writer.Add(_input);
                writer.Add("#");
                writer.Add(_ordinal);
                break;
            default:
                writer.Add("@");
                writer.Add(new Offset(_input));
                break;
        }

        charsWritten = writer.Failed ? 0 : writer.Length;
        return !writer.Failed;
    }

    /// <inheritdoc/>
    public bool Equals(EventName other) => _kind == other._kind && _kind != Kind.Text
        ? _input == other._input && _ordinal == other._ordinal && Key.SequenceEqual(other.Key)
            && (ReferenceEquals(_maker, other._maker) || (Operator.Name == other.Operator.Name && Operator.From.KeyKind == other.Operator.From.KeyKind))
        : ToString() == other.ToString();

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is EventName other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _kind == Kind.Text ? Text.GetHashCode(StringComparison.Ordinal) : Format(static text => string.GetHashCode(text));

    private T Format<T>(Func<ReadOnlySpan<char>, T> use)
    {
        // No key has more characters than bytes, but for numbers and Guids.
        int most = (_kind == Kind.Grain ? Operator.Name.Length : 0) + Math.Max(36, (int)_keyLength) + 64;
        char[]? rented = most > MaxCharsOnStack ? ArrayPool<char>.Shared.Rent(most) : null;
        Span<char> text = rented ?? stackalloc char[MaxCharsOnStack];
        if (!TryFormat(text, out int length))
        {
            throw new InvalidOperationException("a name is longer than it can be");
        }

        T result = use(text[..length]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return result;
    }

    /// <summary>Writes parts one after the other while there is room.</summary>
    private ref struct Writer(Span<char> destination)
    {
        private readonly Span<char> _destination = destination;

        public int Length;

        public bool Failed;

        public void Add(ReadOnlySpan<char> text) => Note(text.TryCopyTo(Rest), text.Length);

        public void Add(long number) => Note(number.TryFormat(Rest, out int written, provider: CultureInfo.InvariantCulture), written);

        public void AddUtf8(ReadOnlySpan<byte> text) => Note(Encoding.UTF8.TryGetChars(text, Rest, out int written), written);

        public void Add(Offset offset)
        {
            if (offset == Offset.None)
            {
                Add("-");
                return;
            }

            Add(offset.Epoch);
            Add(".");
            Add(offset.Number);
        }

        public void AddKey(KeyKind kind, ReadOnlySpan<byte> key) => Note(KeyCodec.TryFormat(kind, key, Rest, out int written), written);

        private readonly Span<char> Rest => _destination[Length..];

        private void Note(bool fits, int written)
        {
            Failed |= !fits;
            Length += fits ? written : 0;
        }
    }
}

/// <summary>A name in JSON is its text.</summary>
internal sealed class EventNameJson : JsonConverter<EventName>
{
    public override EventName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString() ?? string.Empty);

    public override void Write(Utf8JsonWriter writer, EventName value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
