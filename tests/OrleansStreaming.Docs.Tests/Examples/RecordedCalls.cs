namespace OrleansStreaming.Docs.Tests.Examples.RecordedCalls;

/// <summary>Answers differently each time that it is asked.</summary>
public sealed class PriceService
{
    private int _calls;

    public int Calls => _calls;

    public async Task<string> AskAsync(int number, CancellationToken cancellationToken)
    {
        int call = Interlocked.Increment(ref _calls);
        await Task.Delay(1, cancellationToken);
        return call % 5 == 0 ? throw new InvalidOperationException("the price service is tired") : $"{number} at price {call}";
    }
}

#region pricer
public sealed record Quote(string Symbol, int Number);

public sealed record Priced(string Symbol, int Number, string Price);

public struct Asked
{
    public int Answers;
}

public sealed class Pricer(PriceService service) : OperatorGrain<Asked>, IConsume<Quote>, ICall<int, string>
{
    public ValueTask OnEvent(Quote quote, EventContext context)
    {
        context.Call(quote.Number);
        return default;
    }

    // Outside of turns, perhaps more than once. It must not touch the state.
    public async ValueTask<string> Call(int request, CancellationToken cancellationToken) =>
        await service.AskAsync(request, cancellationToken);

    // A turn. It sees exactly one answer per request.
    public ValueTask OnResult(int request, CallResult<string> result, EventContext context)
    {
        State.Answers++;
        context.Emit("priced", new Priced(Key, request, result.Succeeded ? result.Value! : $"no price: {result.Error}"));
        return default;
    }
}
#endregion

internal static class Topology
{
    public static StreamingBuilder AddPrices(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .AddStream<Quote>("quotes", keyedBy: q => q.Symbol)
            .AddStream<Priced>("priced", keyedBy: p => p.Symbol)
            .AddOperator<Pricer>(from: "quotes", to: "priced", configure: o => o.MaxAttempts = 10);
        #endregion
}
