namespace OrleansStreaming.AspNetCore.Tests;

public sealed record Order(string Customer, long Amount)
{
    public string? Product { get; init; }
}

public sealed record Sale(string Product, long Amount);

public sealed record Line(string Product, long Count, long Sum);

public struct Totals
{
    public long Count;
    public long Sum;
}

/// <summary>Adds up by customer, and passes each order on keyed by product.</summary>
public sealed class Customers : OperatorGrain<Totals>, IConsume<Order>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Count++;
        State.Sum += order.Amount;
        if (order.Product is { } product)
        {
            context.Emit("sales", new Sale(product, order.Amount));
        }

        return default;
    }
}

public sealed class ProductState
{
    public long Count { get; set; }

    public long Sum { get; set; }
}

/// <summary>Adds up by product, and reports every sale.</summary>
public sealed class Products : OperatorGrain<ProductState>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Count++;
        State.Sum += sale.Amount;
        context.Emit("lines", new Line(Key, State.Count, State.Sum));
        return default;
    }
}

public struct Reading
{
    public long Device { get; set; }

    public double Value { get; set; }
}

/// <summary>Keyed by a number.</summary>
public sealed class Devices : OperatorGrain<long, Totals>, IConsume<Reading>
{
    public ValueTask OnEvent(Reading reading, EventContext context)
    {
        State.Count++;
        State.Sum += (long)reading.Value;
        return default;
    }
}

public sealed record Deposit(string Account, long Amount);

public sealed record Withdrawal(string Account, long Amount);

/// <summary>Reads a stream of two types, and a second stream: it has an inbox.</summary>
public sealed class Accounts : OperatorGrain<Totals>, IConsume<Deposit>, IConsume<Withdrawal>
{
    public ValueTask OnEvent(Deposit deposit, EventContext context)
    {
        State.Count++;
        State.Sum += deposit.Amount;
        return default;
    }

    public ValueTask OnEvent(Withdrawal withdrawal, EventContext context)
    {
        State.Count++;
        State.Sum -= withdrawal.Amount;
        return default;
    }
}

/// <summary>Its turns wait until the test lets them go on.</summary>
public sealed class Slow : OperatorGrain<Totals>, IConsume<Order>
{
    public static readonly TaskCompletionSource Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask OnEvent(Order order, EventContext context)
    {
        await Gate.Task;
        State.Count++;
    }
}

internal static class OrderTopology
{
    /// <summary>orders -> Customers -> sales -> Products -> lines -> files.</summary>
    public static StreamingBuilder AddOrders(this StreamingBuilder streaming, string? output = null)
    {
        streaming
            .DefaultPartitions(4)
            .AddStream<Order>("orders", o => o.Customer)
            .AddStream<Sale>("sales", s => s.Product)
            .AddStream<Line>("lines", l => l.Product)
            .AddOperator<Customers>(from: "orders", to: "sales")
            .AddOperator<Products>(from: "sales", to: "lines");
        return output is null ? streaming : streaming.AddSink<Line>("lines", _ => new JsonLinesSink<Line>(output), name: "files");
    }

    public static StreamingBuilder AddOthers(this StreamingBuilder streaming) => streaming
        .AddStream<Reading>("readings", r => r.Device)
        .AddOperator<Devices>(from: "readings")
        .AddStream<Deposit>("account-events", d => d.Account, s => s.Also<Withdrawal>(w => w.Account))
        .AddStream<Deposit>("gifts", d => d.Account)
        .AddOperator<Accounts>(from: ["account-events", "gifts"]);
}
