namespace OrleansStreaming.Docs.Tests.Examples.Timers;

#region sessions
public sealed record Visit(string User, string Page);

public sealed record SessionClosed(string User, int Visits);

public struct Session
{
    public int Visits;
}

public sealed class Sessions : OperatorGrain<Session>, IConsume<Visit>, IOnTimer
{
    public ValueTask OnEvent(Visit visit, EventContext context)
    {
        State.Visits++;
        context.SetTimer("idle", TimeSpan.FromMilliseconds(200)); // Replaces the one that was set before.
        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context)
    {
        context.Emit("sessions", new SessionClosed(Key, State.Visits));
        State.Visits = 0;
        return default;
    }
}
#endregion

internal static class Topology
{
    public static StreamingBuilder AddSessions(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .AddStream<Visit>("visits", keyedBy: v => v.User)
            .AddStream<SessionClosed>("sessions", keyedBy: s => s.User)
            .AddOperator<Sessions>(from: "visits", to: "sessions");
        #endregion
}
