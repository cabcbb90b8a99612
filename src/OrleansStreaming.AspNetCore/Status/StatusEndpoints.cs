using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.AspNetCore;

/// <summary>What was declared, how it is, and what failures have undone.</summary>
internal static class StatusEndpoints
{
    public static Task TopologyAsync(HttpContext http)
    {
        StreamingEngine engine = Engine(http);
        return Replies.WriteAsync(http, StatusCodes.Status200OK, Describe(engine), ReplyJson.Default.TopologyReply);
    }

    public static async Task SilosAsync(HttpContext http)
    {
        EngineReport all = await Engine(http).ReportOfAllAsync().ConfigureAwait(false);
        EngineHealth health = all.Health;
        var reply = new SilosReply(health.Ready, all.Silos, health.Problems, health.Sinks, health.StuckTurns, all.Totals);
        await Fresh(http, reply, ReplyJson.Default.SilosReply).ConfigureAwait(false);
    }

    public static async Task RecoveryAsync(HttpContext http)
    {
        EngineReport all = await Engine(http).ReportOfAllAsync().ConfigureAwait(false);
        await Fresh(http, new RecoveryReply(all.Rollbacks), ReplyJson.Default.RecoveryReply).ConfigureAwait(false);
    }

    private static Task Fresh<T>(HttpContext http, T reply, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Replies.WriteAsync(http, StatusCodes.Status200OK, reply, type);
    }

    private static StreamingEngine Engine(HttpContext http) => http.RequestServices.GetRequiredService<StreamingEngine>();

    private static TopologyReply Describe(StreamingEngine engine)
    {
        Topology topology = engine.Topology;
        var operators = new List<OperatorReply>();
        var edges = new List<EdgeReply>();
        foreach (OperatorDefinition op in topology.Operators.Where(o => o.GrainType is not null))
        {
            // An operator of several streams reads its inbox, which relays fill.
            string[] from = op.From.Name == op.Name + Names.InboxSuffix
                ? [.. topology.Operators.Where(o => o.GrainType is null && o.To.Contains(op.From)).Select(o => o.From.Name)]
                : [op.From.Name];
            string[] to = [.. op.To.Select(s => s.Name)];
            operators.Add(new OperatorReply(
                op.Name,
                TypeNames.Stored(op.GrainType!),
                op.StateType is null ? null : TypeNames.Stored(op.StateType),
                from,
                to,
                from is [var only] && only == op.From.Name ? null : op.From.Name,
                op.DeadLetters?.Name));
            edges.AddRange(from.Select(s => new EdgeReply($"stream:{s}", $"operator:{op.Name}")));
            edges.AddRange(to.Select(s => new EdgeReply($"operator:{op.Name}", $"stream:{s}")));
        }

        edges.AddRange(topology.Sinks.Select(s => new EdgeReply($"stream:{s.From.Name}", $"sink:{s.Name}")));
        edges.AddRange(topology.Sources.Select(s => new EdgeReply($"source:{s.Name}", $"stream:{s.To.Name}")));
        return new TopologyReply(
            engine.Deployment,
            [.. topology.Streams.Select(s => new StreamReply(
                s.Name, KeyCodec.NameOf(s.KeyKind), [.. s.Types.Select(t => t.Name)], s.PartitionCount, s.Strict, s.Feedback, s.Internal))],
            operators,
            [.. topology.Sinks.Select(s => new SinkReply(s.Name, s.From.Name, s.EventType.Name))],
            [.. topology.Sources.Select(s => new SourceReply(s.Name, s.To.Name, s.EventType.Name))],
            edges);
    }
}
