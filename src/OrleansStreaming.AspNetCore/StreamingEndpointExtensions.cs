using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming;
using OrleansStreaming.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the HTTP side of streaming: events in, states out, status and health.</summary>
public static class StreamingEndpointExtensions
{
    /// <summary>Maps all endpoints of streaming:
    /// <list type="bullet">
    /// <item><c>POST /streams/{stream}/events</c> takes events as JSON or lines of JSON; answers when they are durable. With the headers
    /// <c>Producer-Id</c> and <c>Producer-Sequence</c> a repeated request stores nothing twice.</item>
    /// <item><c>GET /operators/{operator}/{key}?consistency=latest|stable</c> gives the state of a grain, <c>stable</c> when it can no
    /// longer be lost. A key in a path is escaped; <c>GET /operators/{operator}?key=</c> takes those that no path can have, such as <c>..</c>.</item>
    /// <item><c>GET /topology</c>, <c>GET /silos</c>, <c>GET /recovery</c> describe what runs, how it is, and what failures have undone.</item>
    /// <item><c>GET /health/live</c>, <c>GET /health/ready</c> are for load balancers; see <see cref="MapStreamingHealth"/>.</item>
    /// </list>
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Goes before every path, such as <c>/streaming</c>.</param>
    /// <returns>Adds conventions to all of them, such as <c>RequireAuthorization()</c>.</returns>
    public static IEndpointConventionBuilder MapStreaming(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        RouteGroupBuilder group = Group(endpoints, prefix);
        group.MapPost("/streams/{stream}/events", (RequestDelegate)IngestEndpoint.HandleAsync).WithDisplayName("Streaming: ingest");
        group.MapGet("/operators/{operator}/{**key}", (RequestDelegate)StateEndpoint.HandleAsync).WithDisplayName("Streaming: state");
        group.MapGet("/topology", (RequestDelegate)StatusEndpoints.TopologyAsync).WithDisplayName("Streaming: topology");
        group.MapGet("/silos", (RequestDelegate)StatusEndpoints.SilosAsync).WithDisplayName("Streaming: silos");
        group.MapGet("/recovery", (RequestDelegate)StatusEndpoints.RecoveryAsync).WithDisplayName("Streaming: recovery");
        MapHealth(group, order: 0);
        return group;
    }

    /// <summary>
    /// Maps <c>GET /health/live</c> and <c>GET /health/ready</c> alone. Where <see cref="MapStreaming"/> maps the same
    /// paths, these go first, so that health can be open while everything else requires authorisation.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Goes before both paths.</param>
    /// <returns>Adds conventions to both, such as <c>AllowAnonymous()</c>.</returns>
    public static IEndpointConventionBuilder MapStreamingHealth(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        RouteGroupBuilder group = Group(endpoints, prefix);
        MapHealth(group, order: -1);
        return group;
    }

    private static void MapHealth(RouteGroupBuilder group, int order)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        group.MapMethods("/health/live", methods, (RequestDelegate)HealthEndpoints.LiveAsync).WithDisplayName("Streaming: live").WithOrder(order);
        group.MapMethods("/health/ready", methods, (RequestDelegate)HealthEndpoints.ReadyAsync).WithDisplayName("Streaming: ready").WithOrder(order);
    }

    private static RouteGroupBuilder Group(IEndpointRouteBuilder endpoints, string prefix)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>() is { } services && !services.IsService(typeof(StreamingEngine)))
        {
            throw new InvalidOperationException("There is no streaming engine to map: call builder.AddStreaming(...) first.");
        }

        return endpoints.MapGroup(prefix);
    }
}
