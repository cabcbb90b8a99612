using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Streams;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>A grain with a stored state.</summary>
public interface ICartGrain : IGrainWithStringKey
{
    Task<int> AddAsync(int items);

    Task<(bool Exists, int Items)> ReadAsync();

    Task ClearAsync();

    Task<string> WhereAsync();

    /// <summary>Subscribes to a stream of its own name.</summary>
    Task SubscribeAsync();

    Task<int> CountSubscriptionsAsync();
}

[GenerateSerializer]
public sealed class CartState
{
    [Id(0)]
    public int Items { get; set; }
}

[RandomPlacement]
public sealed class CartGrain([PersistentState("cart", "Carts")] IPersistentState<CartState> cart, ILocalSiloDetails silo) : Grain, ICartGrain
{
    private IAsyncStream<int> Stream => this.GetStreamProvider("Memory").GetStream<int>("carts", this.GetPrimaryKeyString());

    public async Task<int> AddAsync(int items)
    {
        cart.State.Items += items;
        await cart.WriteStateAsync();
        return cart.State.Items;
    }

    public async Task<(bool Exists, int Items)> ReadAsync()
    {
        await cart.ReadStateAsync();
        return (cart.RecordExists, cart.State.Items);
    }

    public Task ClearAsync() => cart.ClearStateAsync();

    public Task<string> WhereAsync() => Task.FromResult(silo.SiloAddress.ToParsableString());

    public Task SubscribeAsync() => Stream.SubscribeAsync((_, _) => Task.CompletedTask);

    public async Task<int> CountSubscriptionsAsync() => (await Stream.GetAllSubscriptionHandles()).Count;
}
