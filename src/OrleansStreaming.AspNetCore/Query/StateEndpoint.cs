using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.AspNetCore;

/// <summary><c>GET /operators/{operator}/{key}</c>: the state of a grain, with the last event that it covers.</summary>
internal static class StateEndpoint
{
    public const string OffsetName = "Streaming-Offset";

    public static async Task HandleAsync(HttpContext http)
    {
        StreamingEngine engine = http.RequestServices.GetRequiredService<StreamingEngine>();
        using var waiting = new Waiting(http, TimeSpan.Zero);
        waiting.Begin(engine.Options.RequestTimeout);
        try
        {
            await ReadAsync(http, engine, waiting.Token).ConfigureAwait(false);
        }
        catch (BadRequestException e)
        {
            await e.Problem.WriteAsync(http).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (waiting.Token.IsCancellationRequested)
        {
            await waiting.ReplyAsync("The state could not be read").ConfigureAwait(false);
        }
    }

    private static async Task ReadAsync(HttpContext http, StreamingEngine engine, CancellationToken cancellationToken)
    {
        OperatorDefinition definition = FindOperator(engine, (string)http.Request.RouteValues["operator"]!);
        bool stable = IsStable(http.Request.Query["consistency"]);
        string key = RequestKey.Read(http);
        if (!KeyCodec.TryParse(definition.From.KeyKind, key, new byte[KeyCodec.MaxBytes], out _))
        {
            throw new BadRequestException(Problems.BadKey(definition.Name, key, definition.From.KeyKind switch
            {
                KeyKind.Int64 => "whole numbers",
                KeyKind.Guid => "GUIDs",
                _ => $"texts of 1 to {KeyCodec.MaxBytes} bytes of UTF-8",
            }));
        }

        GrainState state = await engine.GetStateAsync(definition.Name, key, stable, cancellationToken).ConfigureAwait(false)
            ?? throw new BadRequestException(Problems.UnknownKey(definition.Name, key));
        await WriteAsync(http, state).ConfigureAwait(false);
    }

    private static OperatorDefinition FindOperator(StreamingEngine engine, string name) =>
        engine.Topology.FindOperator(name) is { GrainType: not null } found
            ? found
            : throw new BadRequestException(Problems.UnknownOperator(name, [.. engine.Topology.Operators.Where(o => o.GrainType is not null).Select(o => o.Name)]));

    private static bool IsStable(string? consistency) => consistency switch
    {
        null or "" or "latest" => false,
        "stable" => true,
        _ => throw new BadRequestException(Problems.BadConsistency(consistency)),
    };

    private static async Task WriteAsync(HttpContext http, GrainState state)
    {
        var body = new ArrayBufferWriter<byte>(state.Json.Length + 128);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("key", state.Key);
            json.WriteString("offset", state.Offset.ToString());
            json.WritePropertyName("state");
            json.WriteRawValue(state.Json.Span, skipInputValidation: true);
            json.WriteEndObject();
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.WrittenCount;
        http.Response.Headers[OffsetName] = state.Offset.ToString();
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted).ConfigureAwait(false);
    }
}
