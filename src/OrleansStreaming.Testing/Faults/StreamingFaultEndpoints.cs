using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansStreaming.Testing;

/// <summary>Maps endpoints that break things on purpose. For tests and demonstrations; nothing maps them by itself.</summary>
public static class StreamingFaultEndpoints
{
    /// <summary>
    /// Maps <c>POST /faults/silos/{name}/kill?torn=true|false</c>: the silo stops as a crash of its machine would stop it,
    /// what it had appended and not made durable is lost (with <c>torn</c>, all but some bytes of it), and after
    /// <see cref="StreamingOptions.RestartDelay"/> it starts again. Answers with the number of lost records. Never map this
    /// where people you do not trust can reach it.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Goes before the path.</param>
    public static IEndpointConventionBuilder MapStreamingFaults(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        group.MapPost("/faults/silos/{name}/kill", (RequestDelegate)KillAsync).WithDisplayName("Streaming: kill a silo");
        return group;
    }

    private static async Task KillAsync(HttpContext http)
    {
        StreamingEngine engine = http.RequestServices.GetRequiredService<StreamingEngine>();
        string name = (string)http.Request.RouteValues["name"]!;
        string? torn = http.Request.Query["torn"];
        if (!engine.TryFindHost(name, out _))
        {
            await ReplyAsync(http, StatusCodes.Status404NotFound, "/problems/unknown-silo", "Unknown silo", $"There is no silo '{name}'. Silos: {string.Join(", ", engine.Hosts.Select(h => h.Name))}.").ConfigureAwait(false);
        }
        else if (torn is not (null or "" or "true" or "false"))
        {
            await ReplyAsync(http, StatusCodes.Status400BadRequest, "/problems/bad-fault", "Unknown fault", "torn can be true or false.").ConfigureAwait(false);
        }
        else
        {
            long lost = await engine.KillAsync(name, torn == "true").ConfigureAwait(false);
            await http.Response.WriteAsJsonAsync(new KillReply(name, lost), FaultJson.Default.KillReply).ConfigureAwait(false);
        }
    }

    private static Task ReplyAsync(HttpContext http, int status, string type, string title, string detail)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(new FaultProblem(type, title, status, detail), FaultJson.Default.FaultProblem, "application/problem+json");
    }
}

/// <summary>A silo that was killed.</summary>
internal sealed record KillReply(string Silo, long LostRecords);

/// <summary>What is wrong with a request: RFC 9457.</summary>
internal sealed record FaultProblem(string Type, string Title, int Status, string Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KillReply))]
[JsonSerializable(typeof(FaultProblem))]
internal sealed partial class FaultJson : JsonSerializerContext;
