using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace OrleansStreaming.AspNetCore;

/// <summary>What is wrong with a request: RFC 9457, with the members that streaming adds.</summary>
internal sealed record Problem(string Type, string Title, int Status, string Detail)
{
    /// <summary>The event, from 0.</summary>
    public int? Index { get; init; }

    /// <summary>The byte in the body, from 0.</summary>
    public long? Offset { get; init; }

    /// <summary>The line in the body, from 1; for lines of JSON only.</summary>
    public int? Line { get; init; }

    /// <summary>Streams that there are.</summary>
    public IReadOnlyList<string>? Streams { get; init; }

    /// <summary>Operators that there are.</summary>
    public IReadOnlyList<string>? Operators { get; init; }

    /// <summary>Event types that the stream carries.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    [JsonIgnore]
    public int? RetryAfterSeconds { get; init; }

    public async Task WriteAsync(HttpContext http)
    {
        if (RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        http.Response.Headers.CacheControl = "no-store";
        await Replies.WriteAsync(http, Status, this, ReplyJson.Default.Problem, "application/problem+json").ConfigureAwait(false);
    }
}

/// <summary>Every problem that an endpoint can answer with.</summary>
internal static class Problems
{
    public static Problem UnknownStream(string stream, IReadOnlyList<string> streams) =>
        new("/problems/unknown-stream", "Unknown stream", StatusCodes.Status404NotFound, $"There is no stream '{stream}' that takes events. {List("Streams", streams)}") { Streams = streams };

    public static Problem UnknownOperator(string name, IReadOnlyList<string> operators) =>
        new("/problems/unknown-operator", "Unknown operator", StatusCodes.Status404NotFound, $"There is no operator '{name}'. {List("Operators", operators)}") { Operators = operators };

    public static Problem UnknownKey(string name, string key) =>
        new("/problems/unknown-key", "Unknown key", StatusCodes.Status404NotFound, $"Operator '{name}' has never seen an event with the key '{Short(key)}'.");

    public static Problem BadKey(string name, string key, string kind) =>
        new("/problems/bad-key", "Not a key", StatusCodes.Status400BadRequest, key.Length == 0
            ? $"The key is missing: ask for /operators/{name}/{{key}}, or /operators/{name}?key={{key}}."
            : $"'{Short(key)}' is not a key of operator '{name}', whose keys are {kind}.");

    public static Problem BadConsistency(string value) =>
        new("/problems/bad-consistency", "Unknown consistency", StatusCodes.Status400BadRequest, $"consistency is '{Short(value)}'; it can be latest (what is in memory now) or stable (what can no longer be lost).");

    public static Problem BadMediaType(string? type) =>
        new("/problems/unsupported-media-type", "Unsupported media type", StatusCodes.Status415UnsupportedMediaType, $"Events come as application/json (an array, or one event) or application/x-ndjson (one event per line), in UTF-8; the Content-Type is {(string.IsNullOrEmpty(type) ? "missing" : $"'{Short(type)}'")}.");

    public static Problem BadEncoding(string encoding) =>
        new("/problems/unsupported-encoding", "Unsupported content encoding", StatusCodes.Status415UnsupportedMediaType, $"The body is encoded as '{Short(encoding)}'; send it as it is.");

    public static Problem BadProducer(string detail) =>
        new("/problems/bad-producer", "Bad producer", StatusCodes.Status400BadRequest, detail);

    public static Problem BadType(string stream, string? type, IReadOnlyList<string> types) =>
        new("/problems/bad-type", type is null ? "Type missing" : "Unknown type", StatusCodes.Status400BadRequest, type is null
            ? $"Stream '{stream}' carries several types: say which with ?type=. {List("Types", types)}"
            : $"Stream '{stream}' carries no type '{Short(type)}'. {List("Types", types)}") { Types = types };

    public static Problem TooLarge(string detail) =>
        new("/problems/too-large", "Too large", StatusCodes.Status413PayloadTooLarge, detail);

    public static Problem BadEvent(string detail, int index, long offset, int? line) =>
        new("/problems/bad-event", "Bad event", StatusCodes.Status400BadRequest, $"Event {index}{(line is null ? string.Empty : $" (line {line})")}, byte {offset}: {detail} Nothing was stored.") { Index = index, Offset = offset, Line = line };

    public static Problem BadEventKey(string detail, int index, long offset, int? line) =>
        new("/problems/bad-key", "Bad key", StatusCodes.Status400BadRequest, $"Event {index}{(line is null ? string.Empty : $" (line {line})")}, byte {offset}: {detail} Nothing was stored.") { Index = index, Offset = offset, Line = line };

    public static Problem Busy() =>
        new("/problems/busy", "Busy", StatusCodes.Status429TooManyRequests, "More events wait than the application may hold. Send the request again later, with the same Producer-Id and Producer-Sequence if it has them; without them, a part of its events may be stored already.") { RetryAfterSeconds = 1 };

    public static Problem TooManyProducers(int limit) =>
        new("/problems/too-many-producers", "Too many producers", StatusCodes.Status429TooManyRequests, $"A partition remembers at most {limit} producers, and a new one does not fit. Use a Producer-Id that has been used before; ids that are silent for long are forgotten.") { RetryAfterSeconds = 60 };

    public static Problem NotInTime(string what, TimeSpan limit) =>
        new("/problems/timeout", "Not in time", StatusCodes.Status504GatewayTimeout, $"{what} within {limit.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)} s.") { RetryAfterSeconds = 1 };

    public static Problem Stopping() =>
        new("/problems/stopping", "Stopping", StatusCodes.Status503ServiceUnavailable, "The application stops. Send the request again, with the same Producer-Id and Producer-Sequence if it has them.") { RetryAfterSeconds = 5 };

    private static string List(string what, IReadOnlyList<string> names) => names.Count == 0 ? $"There are no {what.ToLowerInvariant()}." : $"{what}: {string.Join(", ", names)}.";

    private static string Short(string text) => text.Length <= 100 ? text : text[..100] + "...";
}
