using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansStreaming.AspNetCore;

/// <summary>For load balancers: does the process run, and can it work?</summary>
internal static class HealthEndpoints
{
    private static readonly LiveReply Alive = new("alive");

    /// <summary>Asks nothing: an engine that waits for its storage is alive, and restarting it would not help.</summary>
    public static Task LiveAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Replies.WriteAsync(http, StatusCodes.Status200OK, Alive, ReplyJson.Default.LiveReply);
    }

    public static async Task ReadyAsync(HttpContext http)
    {
        EngineHealth health = await http.RequestServices.GetRequiredService<StreamingEngine>().GetHealthAsync().ConfigureAwait(false);
        http.Response.Headers.CacheControl = "no-store";
        int status = health.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await Replies.WriteAsync(http, status, health, ReplyJson.Default.EngineHealth).ConfigureAwait(false);
    }
}
