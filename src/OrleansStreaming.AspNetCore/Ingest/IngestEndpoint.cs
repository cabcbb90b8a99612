using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.AspNetCore;

/// <summary>
/// <c>POST /streams/{stream}/events</c>: all events of a request are understood before the first is stored; the answer
/// comes when they are durable.
/// </summary>
internal static class IngestEndpoint
{
    /// <summary>A request that runs when the application stops may become durable for this long.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    public static async Task HandleAsync(HttpContext http)
    {
        StreamingEngine engine = http.RequestServices.GetRequiredService<StreamingEngine>();
        using var waiting = new Waiting(http, StopGrace);
        try
        {
            await IngestAsync(http, engine, waiting).ConfigureAwait(false);
        }
        catch (BadRequestException e)
        {
            await e.Problem.WriteAsync(http).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (waiting.Token.IsCancellationRequested)
        {
            await waiting.ReplyAsync("The events did not become durable (they may do so yet)").ConfigureAwait(false);
        }
    }

    private static async Task IngestAsync(HttpContext http, StreamingEngine engine, Waiting waiting)
    {
        StreamDefinition stream = FindStream(engine, (string)http.Request.RouteValues["stream"]!);
        bool lines = IsLines(http.Request);
        ProducerHeaders producer = ProducerHeaders.Read(http.Request.Headers);
        EventType type = FindType(stream, http.Request.Query["type"]);
        using Activity? activity = StreamingDiagnostics.Activities.StartActivity("send " + stream.Name, ActivityKind.Producer);
        activity?.SetTag("messaging.system", StreamingDiagnostics.SystemName).SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", stream.Name);
        IngestEncoder events = IngestEncoder.Take(stream, StreamingEngine.ProducerId(producer.Id), producer.Sequence);
        await ParseAsync(http, engine, lines, type, events, waiting.Token).ConfigureAwait(false);
        int count = events.Count;
        activity?.SetTag("messaging.batch.message_count", count);
        waiting.Begin(engine.Options.RequestTimeout);
        IngestAnswer answer = await engine.IngestAsync(events, waiting.Token).ConfigureAwait(false);
        switch (answer.Outcome)
        {
            case IngestOutcome.Durable:
                await Replies.WriteAsync(http, StatusCodes.Status200OK, new IngestReply(answer.Accepted, count - answer.Accepted), ReplyJson.Default.IngestReply).ConfigureAwait(false);
                break;
            case IngestOutcome.Busy:
                activity?.SetStatus(ActivityStatusCode.Error, "busy");
                await Problems.Busy().WriteAsync(http).ConfigureAwait(false);
                break;
            default:
                activity?.SetStatus(ActivityStatusCode.Error, "too many producers");
                await Problems.TooManyProducers(engine.Options.MaxProducers).WriteAsync(http).ConfigureAwait(false);
                break;
        }
    }

    private static async Task ParseAsync(HttpContext http, StreamingEngine engine, bool lines, EventType type, IngestEncoder events, CancellationToken cancellationToken)
    {
        int limit = engine.Options.MaxRequestBytes;
        using RequestBody body = await RequestBody.ReadAsync(http, limit, cancellationToken).ConfigureAwait(false)
            ?? throw new BadRequestException(Problems.TooLarge($"The body is longer than {limit} bytes; send fewer events at once."));
        if (lines)
        {
            EventParser.ParseLines(body.Span, type, events);
        }
        else
        {
            EventParser.ParseJson(body.Span, type, events);
        }
    }

    private static StreamDefinition FindStream(StreamingEngine engine, string name) =>
        engine.Topology.FindStream(name) is { Internal: false } stream
            ? stream
            : throw new BadRequestException(Problems.UnknownStream(name, [.. engine.Topology.Streams.Where(s => !s.Internal).Select(s => s.Name)]));

    /// <summary>The type that the query names; it can be left out where there is only one.</summary>
    private static EventType FindType(StreamDefinition stream, string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return stream.Types.Count == 1 ? stream.Types[0] : throw new BadRequestException(Problems.BadType(stream.Name, null, Names(stream)));
        }

        return stream.Types.FirstOrDefault(t => t.Name == name)
            ?? stream.Types.FirstOrDefault(t => TypeNames.Short(t.ClrType) == name)
            ?? throw new BadRequestException(Problems.BadType(stream.Name, name, Names(stream)));
    }

    /// <summary>The short names, or the full ones where two are alike.</summary>
    private static string[] Names(StreamDefinition stream) =>
        [.. stream.Types.Select(t => stream.Types.Count(o => TypeNames.Short(o.ClrType) == TypeNames.Short(t.ClrType)) == 1 ? TypeNames.Short(t.ClrType) : t.Name)];

    private static bool IsLines(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
        {
            throw new BadRequestException(Problems.BadEncoding(encoding.ToString()));
        }

        if (MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)))
        {
            if (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            if (type.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        throw new BadRequestException(Problems.BadMediaType(request.ContentType));
    }
}
