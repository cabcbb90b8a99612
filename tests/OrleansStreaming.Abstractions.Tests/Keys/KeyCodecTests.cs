using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests.Keys;

public class KeyCodecTests
{
    private readonly byte[] _buffer = new byte[KeyCodec.MaxBytes];

    [Theory]
    [InlineData("a", new byte[] { 0x61 })]
    [InlineData("é", new byte[] { 0xC3, 0xA9 })]
    [InlineData("😀", new byte[] { 0xF0, 0x9F, 0x98, 0x80 })]
    public void A_string_is_its_utf8(string key, byte[] expected)
    {
        int length = KeyCodec.Write(key, _buffer);
        _buffer[..length].ShouldBe(expected);
        KeyCodec.ReadString(expected).ShouldBe(key);
        KeyCodec.Decode<string>(expected).ShouldBe(key);
        KeyCodec.ToText(KeyKind.String, expected).ShouldBe(key);
    }

    [Fact]
    public void A_number_is_8_bytes_little_endian()
    {
        KeyCodec.Write(0x0102030405060708, _buffer).ShouldBe(8);
        _buffer[..8].ShouldBe([8, 7, 6, 5, 4, 3, 2, 1]);
        KeyCodec.Decode<long>(_buffer.AsSpan(0, 8)).ShouldBe(0x0102030405060708);
        KeyCodec.Write(-5L, _buffer);
        KeyCodec.ToText(KeyKind.Int64, _buffer.AsSpan(0, 8)).ShouldBe("-5");
    }

    [Fact]
    public void A_guid_is_its_16_bytes()
    {
        Guid guid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
        KeyCodec.Write(guid, _buffer).ShouldBe(16);
        _buffer[..16].ShouldBe([0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF]);
        KeyCodec.Decode<Guid>(_buffer.AsSpan(0, 16)).ShouldBe(guid);
        KeyCodec.ToText(KeyKind.Guid, _buffer.AsSpan(0, 16)).ShouldBe("00112233-4455-6677-8899-aabbccddeeff");
    }

    [Fact]
    public void The_longest_key_has_1024_bytes()
    {
        KeyCodec.Write(new string('x', 1024), _buffer).ShouldBe(1024);
        KeyCodec.Write(new string('é', 512), new byte[5000]).ShouldBe(1024);
        Should.Throw<KeyFormatException>(() => KeyCodec.Write(new string('x', 1025), _buffer)).Message.ShouldContain("longer than 1024 bytes");
        Should.Throw<KeyFormatException>(() => KeyCodec.Write(new string('x', 1025), new byte[5000])).Message.ShouldContain("longer than 1024 bytes");
        Should.Throw<KeyFormatException>(() => KeyCodec.Write(new string('é', 513), _buffer)).Message.ShouldContain("1024");
    }

    [Fact]
    public void Empty_null_and_half_characters_are_refused()
    {
        Should.Throw<KeyFormatException>(() => KeyCodec.Write("", _buffer)).Message.ShouldBe("The key is empty. A key has 1 to 1024 bytes of UTF-8.");
        Should.Throw<KeyFormatException>(() => KeyCodec.Write((string?)null, _buffer)).Message.ShouldBe("The key is null. A key has 1 to 1024 bytes of UTF-8.");
        Should.Throw<KeyFormatException>(() => KeyCodec.Write("a\uD800", _buffer)).Message.ShouldContain("surrogate");
    }

    [Fact]
    public void Bytes_that_are_no_key_are_refused()
    {
        Should.Throw<KeyFormatException>(() => KeyCodec.ReadString([]));
        Should.Throw<KeyFormatException>(() => KeyCodec.ReadString([0xFF]));
        Should.Throw<KeyFormatException>(() => KeyCodec.ReadString(new byte[1025]));
        Should.Throw<KeyFormatException>(() => KeyCodec.ReadInt64(new byte[7]));
        Should.Throw<KeyFormatException>(() => KeyCodec.ReadGuid(new byte[15]));
        Should.Throw<NotSupportedException>(() => KeyCodec.Decode<int>(new byte[4]));
    }

    [Fact]
    public void A_destination_that_is_too_small_is_the_callers_fault()
    {
        Should.Throw<ArgumentException>(() => KeyCodec.Write("abc", new byte[2]));
        Should.Throw<ArgumentException>(() => KeyCodec.Write(Guid.Empty, new byte[15]));
        Should.Throw<ArgumentException>(() => KeyCodec.Write(1L, new byte[7]));
    }

    [Theory]
    [InlineData((int)KeyKind.String, "a b/c", true)]
    [InlineData((int)KeyKind.String, "", false)]
    [InlineData((int)KeyKind.String, null, false)]
    [InlineData((int)KeyKind.Int64, "-12", true)]
    [InlineData((int)KeyKind.Int64, "12.0", false)]
    [InlineData((int)KeyKind.Int64, " 12", false)]
    [InlineData((int)KeyKind.Int64, "9223372036854775808", false)]
    [InlineData((int)KeyKind.Guid, "00112233-4455-6677-8899-aabbccddeeff", true)]
    [InlineData((int)KeyKind.Guid, "00112233", false)]
    [InlineData((int)KeyKind.Guid, null, false)]
    public void Text_from_people_is_parsed_or_refused(int kind, string? text, bool expected)
    {
        KeyCodec.TryParse((KeyKind)kind, text, _buffer, out int length).ShouldBe(expected);
        if (expected)
        {
            KeyCodec.ToText((KeyKind)kind, _buffer.AsSpan(0, length)).ShouldBe(text);
        }
    }

    [Fact]
    public void A_text_that_is_too_long_or_half_a_character_is_refused()
    {
        KeyCodec.TryParse(KeyKind.String, new string('x', 1025), new byte[2000], out _).ShouldBeFalse();
        KeyCodec.TryParse(KeyKind.String, "\uD800", _buffer, out _).ShouldBeFalse();
    }

    [Fact]
    public void Writers_take_the_key_from_the_event()
    {
        KeyCodec.WriterOf((string s) => s)("ab", _buffer).ShouldBe(2);
        KeyCodec.WriterOf((string s) => (long)s.Length)("ab", _buffer).ShouldBe(8);
        KeyCodec.WriterOf((string _) => Guid.Empty)("ab", _buffer).ShouldBe(16);
        Should.Throw<NotSupportedException>(() => KeyCodec.WriterOf((string s) => s.Length));
    }
}
