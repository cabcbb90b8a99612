using System.Text.Json;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.AspNetCore;

/// <summary>Turns a body into encoded events, or says which event is wrong, and where.</summary>
internal static class EventParser
{
    private const int MaxDepth = 64;

    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    /// <summary>Parses one event, or an array of events.</summary>
    /// <exception cref="BadRequestException">Says what is wrong.</exception>
    public static void ParseJson(ReadOnlySpan<byte> body, EventType type, IngestEncoder events)
    {
        int start = body.StartsWith(Bom) ? Bom.Length : 0;
        ReadOnlySpan<byte> text = body[start..];
        int first = SkipBlanks(text);
        bool isArray = first < text.Length && text[first] == (byte)'[';
        var value = new JsonText(text, start, null, type, events, isArray ? MaxDepth + 1 : MaxDepth);
        value.Advance();
        if (!isArray)
        {
            value.Add();
        }
        else
        {
            while (value.Advance() && value.Token != JsonTokenType.EndArray)
            {
                value.Add();
            }
        }

        value.Advance(); // Nothing may follow.
    }

    /// <summary>Parses one event per line; empty lines do not count.</summary>
    /// <exception cref="BadRequestException">Says what is wrong.</exception>
    public static void ParseLines(ReadOnlySpan<byte> body, EventType type, IngestEncoder events)
    {
        int at = body.StartsWith(Bom) ? Bom.Length : 0, number = 1;
        while (at < body.Length)
        {
            int length = body[at..].IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = length < 0 ? body[at..] : body.Slice(at, length);
            if (SkipBlanks(line) < line.Length)
            {
                var value = new JsonText(line, at, number, type, events, MaxDepth);
                value.Advance();
                value.Add();
                value.Advance();
            }

            at += line.Length + 1;
            number++;
        }
    }

    private static int SkipBlanks(ReadOnlySpan<byte> text)
    {
        int at = text.IndexOfAnyExcept(" \t\r\n"u8);
        return at < 0 ? text.Length : at;
    }
}

/// <summary>A piece of JSON within a body: knows where in the body it is.</summary>
internal ref struct JsonText(ReadOnlySpan<byte> text, int origin, int? line, EventType type, IngestEncoder events, int maxDepth)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private Utf8JsonReader _reader = new(text, new JsonReaderOptions { MaxDepth = maxDepth });

    public readonly JsonTokenType Token => _reader.TokenType;

    /// <summary>Moves on; false at the end.</summary>
    public bool Advance()
    {
        try
        {
            return _reader.Read();
        }
        catch (JsonException e)
        {
            throw Bad(e, 0);
        }
    }

    /// <summary>Adds the event that begins here, and moves to its end.</summary>
    public void Add()
    {
        Utf8JsonReader start = _reader;
        int from = (int)start.TokenStartIndex;
        try
        {
            events.AddJson(type, ref _reader);
        }
        catch (KeyFormatException e)
        {
            throw new BadRequestException(Problems.BadEventKey(e.Message, events.Count, origin + from, line));
        }
        catch (IngestTooLargeException e)
        {
            throw new BadRequestException(Problems.TooLarge(e.Message));
        }
        catch (JsonException e)
        {
            // The serialiser counts from the beginning of the event, unless the text is not even JSON.
            try
            {
                start.Skip();
            }
            catch (JsonException syntax)
            {
                throw Bad(syntax, 0);
            }

            throw Bad(e, from);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or OperationCanceledException))
        {
            // The application's own code: its keyedBy, a converter, a setter.
            throw new BadRequestException(Problems.BadEvent($"It cannot be used: {e.GetType().Name}: {e.Message}", events.Count, origin + from, line));
        }
    }

    private readonly BadRequestException Bad(JsonException e, int from) =>
        new(Problems.BadEvent(TextOf(e), events.Count, origin + from + PositionOf(e, _text[from..]), line));

    /// <summary>The byte that an error is at; errors name lines, and bytes in lines.</summary>
    private static long PositionOf(JsonException e, ReadOnlySpan<byte> text)
    {
        int at = 0;
        for (long lines = e.LineNumber ?? 0; lines > 0; lines--)
        {
            int end = text[at..].IndexOf((byte)'\n');
            if (end < 0)
            {
                break;
            }

            at += end + 1;
        }

        return Math.Min(at + (e.BytePositionInLine ?? 0), text.Length);
    }

    private static string TextOf(JsonException e)
    {
        string text = e.Message;
        foreach (string tail in (ReadOnlySpan<string>)[" Path: ", " LineNumber: "])
        {
            int end = text.IndexOf(tail, StringComparison.Ordinal);
            text = end < 0 ? text : text[..end];
        }

        text = text.EndsWith('.') ? text : text + ".";
        return string.IsNullOrEmpty(e.Path) || e.Path == "$" ? text : $"{text} At {e.Path}.";
    }
}

/// <summary>The request cannot be served; nothing has been done.</summary>
internal sealed class BadRequestException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
