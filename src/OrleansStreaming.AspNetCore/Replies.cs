using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace OrleansStreaming.AspNetCore;

/// <summary>Writes replies as JSON.</summary>
internal static class Replies
{
    public static Task WriteAsync<T>(HttpContext http, int status, T reply, JsonTypeInfo<T> type, string contentType = "application/json")
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(reply, type);
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }
}

/// <summary>Events that were new, and those that had come before.</summary>
internal sealed record IngestReply(int Accepted, int Duplicates);

/// <summary>The process runs.</summary>
internal sealed record LiveReply(string Status);

/// <summary>Source-generated metadata of all replies.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(IngestReply))]
[JsonSerializable(typeof(LiveReply))]
[JsonSerializable(typeof(EngineHealth))]
[JsonSerializable(typeof(SilosReply))]
[JsonSerializable(typeof(RecoveryReply))]
[JsonSerializable(typeof(TopologyReply))]
internal sealed partial class ReplyJson : JsonSerializerContext;
