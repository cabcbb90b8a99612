using OrleansStreaming;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddStreaming(streaming => streaming
    .UseFiles("data")
    .AddStream<Order>("orders", keyedBy: o => o.Customer)
    .AddOperator<Spending>(from: "orders", to: "totals")
    .AddStream<Total>("totals", keyedBy: t => t.Customer)
    .AddSink<JsonLinesSink<Total>>(from: "totals"));

WebApplication app = builder.Build();
app.MapStreaming();
app.Run();

public sealed record Order(string Customer, decimal Amount);

public sealed record Total(string Customer, int Orders, decimal Amount);

public struct Spent
{
    public int Orders;
    public decimal Amount;
}

public sealed class Spending : OperatorGrain<Spent>, IConsume<Order>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Orders++;
        State.Amount += order.Amount;
        context.Emit("totals", new Total(Key, State.Orders, State.Amount));
        return default;
    }
}
