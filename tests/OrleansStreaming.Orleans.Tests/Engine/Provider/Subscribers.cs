using Orleans.Streams;
using Orleans.Streams.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Gets every order of its customer without having asked for it.</summary>
[ImplicitStreamSubscription("orders")]
internal sealed class ImplicitGrain(Account account) : Grain, IGrainWithStringKey, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Order>().ResumeAsync(
            (order, token) => account.NoteAsync("implicit", this.GetPrimaryKeyString(), order.Number, token),
            e =>
            {
                account.Errors.Enqueue(("implicit", e));
                return Task.CompletedTask;
            });
}

/// <summary>Gets the readings of its meter.</summary>
[ImplicitStreamSubscription("readings")]
internal sealed class MeterGrain(Account account) : Grain, IGrainWithIntegerKey, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Reading>().ResumeAsync((reading, token) => account.NoteAsync("meter", this.GetPrimaryKeyLong().ToString(), reading.Value, token));
}

/// <summary>Gets the notes about its subject.</summary>
[ImplicitStreamSubscription("notes")]
internal sealed class SubjectGrain(Account account) : Grain, IGrainWithGuidKey, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Note>().ResumeAsync((note, token) => account.NoteAsync("subject", this.GetPrimaryKey().ToString(), note.Text.Length, token));
}

/// <summary>How many orders a customer has.</summary>
public sealed class Totalled
{
    /// <summary>So many.</summary>
    public int Orders { get; set; }
}

/// <summary>Counts the orders of each customer, and publishes each count.</summary>
public sealed class Totals : OperatorGrain<string, Totalled>, IConsume<Order>, IConsume<Cancellation>
{
    /// <inheritdoc/>
    public ValueTask OnEvent(Order @event, EventContext context)
    {
        State.Orders++;
        context.Emit("totals", new Order(Key, State.Orders));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask OnEvent(Cancellation @event, EventContext context) => ValueTask.CompletedTask;
}

/// <summary>Gets the totals of its customer.</summary>
[ImplicitStreamSubscription("totals")]
internal sealed class TotalsGrain(Account account) : Grain, IGrainWithStringKey, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Order>().ResumeAsync((order, token) => account.NoteAsync("totals", this.GetPrimaryKeyString(), order.Number, token));
}

/// <summary>Subscribes to what it is told to.</summary>
internal interface IExplicit : IGrainWithStringKey
{
    /// <summary>Subscribes from a place, or from now on.</summary>
    Task SubscribeAsync(string stream, string key, string? offset);

    /// <summary>Goes on from a place with the subscription that it has.</summary>
    Task ResumeAsync(string stream, string key, string? offset);

    Task UnsubscribeAsync(string stream, string key);

    /// <summary>Publishes orders of a customer from a grain; their type is not known to Orleans' serialiser.</summary>
    Task PublishAsync(string stream, string key, string customer, int[] numbers);

    /// <summary>Goes away; it resumes when it comes back.</summary>
    Task LeaveAsync();

    Task<int> SubscriptionsAsync(string stream, string key);
}

/// <inheritdoc cref="IExplicit"/>
internal sealed class ExplicitGrain(Account account) : Grain, IExplicit
{
    private string Name => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // As the documentation of Orleans says: what was subscribed before this activation is resumed.
        foreach (string key in Enumerable.Range(0, 3).Select(i => $"c{i}"))
        {
            foreach (string stream in (string[])["orders", "quiet"])
            {
                foreach (StreamSubscriptionHandle<Order> handle in await Stream(stream, key).GetAllSubscriptionHandles())
                {
                    await handle.ResumeAsync(OnNext(key), OnError);
                }
            }
        }
    }

    public Task SubscribeAsync(string stream, string key, string? offset) => Stream(stream, key).SubscribeAsync(OnNext(key), OnError, TokenOf(offset)!);

    public async Task ResumeAsync(string stream, string key, string? offset)
    {
        foreach (StreamSubscriptionHandle<Order> handle in await Stream(stream, key).GetAllSubscriptionHandles())
        {
            await handle.ResumeAsync(OnNext(key), OnError, TokenOf(offset)!);
        }
    }

    public async Task UnsubscribeAsync(string stream, string key)
    {
        foreach (StreamSubscriptionHandle<Order> handle in await Stream(stream, key).GetAllSubscriptionHandles())
        {
            await handle.UnsubscribeAsync();
        }
    }

    public async Task PublishAsync(string stream, string key, string customer, int[] numbers)
    {
        Order[] orders = [.. numbers.Select(n => new Order(customer, n))];
        if (orders.Length == 1)
        {
            await Stream(stream, key).OnNextAsync(orders[0]);
            return;
        }

        await Stream(stream, key).OnNextBatchAsync(orders);
    }

    public Task LeaveAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task<int> SubscriptionsAsync(string stream, string key) => (await Stream(stream, key).GetAllSubscriptionHandles()).Count;

    private static OffsetToken? TokenOf(string? offset) =>
        offset is null ? null : Offset.TryParse(offset, out Offset parsed) ? new OffsetToken(parsed) : throw new ArgumentException(offset);

    private IAsyncStream<Order> Stream(string stream, string key) => this.GetStreamProvider(ProviderCluster.Provider).GetStream<Order>(StreamId.Create(stream, key));

    private Func<Order, StreamSequenceToken?, Task> OnNext(string key) => (order, token) => account.NoteAsync(Name, key, order.Number, token);

    private Task OnError(Exception error)
    {
        account.Errors.Enqueue((Name, error));
        return Task.CompletedTask;
    }
}
