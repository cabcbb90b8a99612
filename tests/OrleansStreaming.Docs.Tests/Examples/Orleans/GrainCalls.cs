using Orleans;
using Orleans.Hosting;

namespace OrleansStreaming.Docs.Tests.Examples.Orleans.GrainCalls;

public sealed record Added(string Basket, string Article);

public interface IPriceGrain : IGrainWithStringKey
{
    Task<int> PriceAsync();
}

public sealed record PriceOf(string Article);

public struct Totals
{
    public int Articles { get; set; }

    public int Cents { get; set; }
}

public sealed class Basket(IGrainFactory grains) : OperatorGrain<Totals>, IConsume<Added>, ICall<PriceOf, int>
{
    public ValueTask OnEvent(Added added, EventContext context)
    {
        State.Articles++;
        context.Call(new PriceOf(added.Article)); // Asked outside of the turn; the answer is recorded.
        return default;
    }

    public async ValueTask<int> Call(PriceOf request, CancellationToken cancellationToken) =>
        await grains.GetGrain<IPriceGrain>(request.Article).PriceAsync();

    public ValueTask OnResult(PriceOf request, CallResult<int> price, EventContext context)
    {
        State.Cents += price.Value;
        return default;
    }
}

public static class Topology
{
    public static void Add(ISiloBuilder silo) =>
        silo.AddStreaming(streaming => streaming
            .AddStream<Added>("added", keyedBy: a => a.Basket)
            .AddOperator<Basket>(from: "added", configure: o =>
            {
                o.Hosting = OperatorHosting.GrainPerKey;
                o.MaxResident = 200_000;
            }));
}
