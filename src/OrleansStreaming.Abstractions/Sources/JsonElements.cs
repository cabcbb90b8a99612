using System.Text.Json;

namespace OrleansStreaming;

/// <summary>Walks over the elements of a JSON array or the lines of a file, with one buffer that holds the current element.</summary>
internal sealed class JsonElements(Stream input, string path) : IDisposable
{
    /// <summary>Longer elements are refused: a file without a line end must not fill the memory.</summary>
    public const int MaxElementBytes = 64 * 1024 * 1024;

    private const int ReadBytes = 64 * 1024;

    private readonly PooledBuffer _buffer = new(ReadBytes);
    private long _start;      // where the buffer begins in the file
    private int _next;        // in the buffer: behind the current element
    private (int Start, int Length) _element;
    private bool _endOfFile;
    private bool? _isArray;
    private bool _endOfArray;

    /// <summary>The index of the current element; -1 before the first, the last one at the end.</summary>
    public long Index { get; private set; } = -1;

    private ReadOnlySpan<byte> Rest => _buffer.Written.Span[_next..];

    public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        if (_isArray is null)
        {
            await BeginAsync(cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            if (_isArray == true ? FindInArray() : FindLine())
            {
                Index++;
                return true;
            }

            if (_endOfFile)
            {
                return false;
            }

            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The current element.</summary>
    public T Read<T>(JsonSerializerOptions json)
    {
        ReadOnlySpan<byte> bytes = _buffer.Written.Span.Slice(_element.Start, _element.Length);
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, json) ?? throw Malformed(Index, _element.Start, "null is not an event");
        }
        catch (JsonException e)
        {
            throw Malformed(Index, _element.Start + ByteOf(bytes, e), e.Message, e);
        }
    }

    public void Dispose() => _buffer.Dispose();

    private async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        while (_buffer.Length < 3 && !_endOfFile)
        {
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }

        if (Rest.StartsWith("\uFEFF"u8))
        {
            _next = 3;
        }

        while (true)
        {
            int blanks = Rest.IndexOfAnyExcept(" \t\r\n"u8);
            if (blanks >= 0)
            {
                _isArray = Rest[blanks] == (byte)'[';
                _next += blanks + (_isArray.Value ? 1 : 0);
                return;
            }

            if (_endOfFile)
            {
                _isArray = false;
                return;
            }

            _next = _buffer.Length;
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool FindLine()
    {
        while (!Rest.IsEmpty)
        {
            int length = Rest.IndexOf((byte)'\n');
            if (length < 0 && !_endOfFile)
            {
                return false;
            }

            length = length < 0 ? Rest.Length : length;
            bool blank = Rest[..length].IndexOfAnyExcept(" \t\r"u8) < 0;
            _element = (_next, length);
            _next = Math.Min(_next + length + 1, _buffer.Length);
            if (!blank)
            {
                return true;
            }
        }

        return false;
    }

    private bool FindInArray()
    {
        ReadOnlySpan<byte> rest = Rest;
        int at = rest.IndexOfAnyExcept(" \t\r\n"u8);
        if (_endOfArray)
        {
            return at >= 0 ? throw Malformed(Index + 1, _next + at, "nothing may follow the array") : false;
        }

        if (at >= 0 && rest[at] == (byte)']')
        {
            _endOfArray = true;
            _next += at + 1;
            return FindInArray();
        }

        if (at >= 0 && Index >= 0)
        {
            if (rest[at] != (byte)',')
            {
                throw Malformed(Index + 1, _next + at, "',' or ']' is expected");
            }

            int afterComma = rest[(at + 1)..].IndexOfAnyExcept(" \t\r\n"u8);
            at = afterComma < 0 ? -1 : at + 1 + afterComma;
        }

        int length = at < 0 ? 0 : LengthOfValue(rest[at..], at);
        if (length == 0)
        {
            return _endOfFile ? throw Malformed(Index + 1, _buffer.Length, "the file ends within the array") : false;
        }

        _element = (_next + at, length);
        _next += at + length;
        return true;
    }

    // 0 when more of the file is needed to tell.
    private int LengthOfValue(ReadOnlySpan<byte> bytes, int at)
    {
        Utf8JsonReader reader = new(bytes, isFinalBlock: false, default);
        try
        {
            return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : 0;
        }
        catch (JsonException e)
        {
            throw Malformed(Index + 1, _next + at + ByteOf(bytes, e), e.Message, e);
        }
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        _buffer.Consume(_next);
        _start += _next;
        _next = 0;
        if (_buffer.Length > MaxElementBytes)
        {
            throw Malformed(Index + 1, 0, $"it is longer than {MaxElementBytes} bytes");
        }

        // Half of what is there: a long element is looked at from its start again, but only a few times.
        Memory<byte> free = _buffer.GetMemory(Math.Max(ReadBytes, _buffer.Length / 2));
        int read = await input.ReadAsync(free, cancellationToken).ConfigureAwait(false);
        _buffer.Advance(read);
        _endOfFile = read == 0;
    }

    private static int ByteOf(ReadOnlySpan<byte> bytes, JsonException e)
    {
        int line = 0;
        for (long i = e.LineNumber ?? 0; i > 0; i--)
        {
            line += bytes[line..].IndexOf((byte)'\n') + 1;
        }

        return (int)Math.Min(line + (e.BytePositionInLine ?? 0), bytes.Length);
    }

    private FormatException Malformed(long index, int at, string why, Exception? inner = null) =>
        new($"{path}: element {index} is malformed at byte {_start + at}: {why}", inner);
}
