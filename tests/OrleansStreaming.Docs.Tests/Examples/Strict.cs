namespace OrleansStreaming.Docs.Tests.Examples.Strict;

public sealed record Click(string User, string Page);

public sealed record View(string Page, string User);

public sealed record PageCount(string Page, long Views);

public struct Count
{
    public long Seen;
}

public sealed class ClicksByUser : OperatorGrain<Count>, IConsume<Click>
{
    public ValueTask OnEvent(Click click, EventContext context)
    {
        State.Seen++;
        context.Emit("views", new View(click.Page, click.User));
        return default;
    }
}

public sealed class ViewsByPage : OperatorGrain<Count>, IConsume<View>
{
    public ValueTask OnEvent(View view, EventContext context)
    {
        State.Seen++;
        context.Emit("counts", new PageCount(Key, State.Seen));
        return default;
    }
}

internal static class Topology
{
    public static StreamingBuilder AddViews(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .AddStream<Click>("clicks", keyedBy: c => c.User)
            .AddStream<View>("views", keyedBy: v => v.Page, s => s.Strict())
            .AddStream<PageCount>("counts", keyedBy: c => c.Page)
            .AddOperator<ClicksByUser>(from: "clicks", to: "views")
            .AddOperator<ViewsByPage>(from: "views", to: "counts");
        #endregion
}
