using OrleansStreaming.Testing;

namespace OrleansStreaming.Docs.Tests.Examples.TimeAndChance;

#region raffle
public sealed record Ticket(string Raffle, string Owner);

public sealed record Winner(string Raffle, string Owner, DateTimeOffset Drawn);

public sealed class Bowl
{
    public List<string> Owners { get; set; } = [];
}

public sealed class Raffle : OperatorGrain<Bowl>, IConsume<Ticket>
{
    public ValueTask OnEvent(Ticket ticket, EventContext context)
    {
        State.Owners.Add(ticket.Owner);
        if (State.Owners.Count == 10)
        {
            string winner = State.Owners[context.Random.Next(10)]; // The same one when the turn runs again.
            context.Emit("winners", new Winner(Key, winner, context.Time));
            State.Owners.Clear();
        }

        return default;
    }
}
#endregion

internal static class Simulations
{
    #region simulate
    public static SimulationResult Simulate(int seeds) => StreamingSimulation
        .Of(streaming => streaming.AddRaffle())
        .Input("tickets", random => new Ticket($"raffle{random.Next(3)}", $"owner{random.Next(100)}"))
        .RunMany(seeds);
    #endregion
}

internal static class Topology
{
    public static StreamingBuilder AddRaffle(this StreamingBuilder streaming) => streaming
        .AddStream<Ticket>("tickets", keyedBy: t => t.Raffle)
        .AddStream<Winner>("winners", keyedBy: w => w.Raffle)
        .AddOperator<Raffle>(from: "tickets", to: "winners");
}
