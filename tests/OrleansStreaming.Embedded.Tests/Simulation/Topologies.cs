namespace OrleansStreaming.Embedded.Tests.Simulation;

public sealed record Sale(string Shop, string Article, int Cents);

public sealed record Sum(string Article, long Cents, int Count);

/// <summary>State on the heap, with a dictionary; keys text to text; a timer.</summary>
public sealed class ShopTotals : OperatorGrain<ShopTotals.Totals>, IConsume<Sale>, IOnTimer
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Cents[sale.Article] = State.Cents.GetValueOrDefault(sale.Article) + sale.Cents;
        State.Count++;
        context.Emit("by-article", sale);
        if (State.Count % 4 == 0)
        {
            context.SetTimer("forget", TimeSpan.FromHours(1));
        }

        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context)
    {
        State.Cents.Clear();
        return default;
    }

    public sealed class Totals
    {
        public Dictionary<string, long> Cents { get; set; } = [];

        public int Count { get; set; }
    }
}

/// <summary>Throws on some events, which become dead letters.</summary>
public sealed class ArticleSums : OperatorGrain<ArticleSums.Total>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Cents += sale.Cents;
        State.Count++;
        context.Emit("sums", new Sum(sale.Article, State.Cents, State.Count));
        return sale.Cents == 13 ? throw new InvalidOperationException("thirteen is not for sale") : default;
    }

    public struct Total
    {
        public long Cents;
        public int Count;
    }
}

/// <summary>Wrong: reads the wall clock.</summary>
public sealed class ClockReader : OperatorGrain<ClockReader.Seen>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Last = DateTime.UtcNow.Ticks;
        return default;
    }

    public struct Seen
    {
        public long Last;
    }
}

/// <summary>Wrong: counts in a static field.</summary>
public sealed class StaticCounter : OperatorGrain<StaticCounter.Nothing>, IConsume<Sale>
{
    private static int _count;

    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        context.Emit("sums", new Sum(sale.Article, 0, Interlocked.Increment(ref _count)));
        return default;
    }

    public struct Nothing
    {
        public int Unused;
    }
}

/// <summary>Cannot be simulated: waits for real time.</summary>
public sealed class Sleeper : OperatorGrain<StaticCounter.Nothing>, IConsume<Sale>
{
    public async ValueTask OnEvent(Sale sale, EventContext context) => await Task.Delay(TimeSpan.FromMilliseconds(30), context.CancellationToken);
}

/// <summary>Never gets over an event.</summary>
public sealed class Stubborn : OperatorGrain<StaticCounter.Nothing>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context) => throw new InvalidOperationException("never");
}
