using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.TestingHost;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Testing;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>An order of a customer.</summary>
public sealed record Order(string Customer, int Number);

/// <summary>An order of a customer that was called off.</summary>
public sealed record Cancellation(string Customer, int Number);

/// <summary>A reading of a numbered meter.</summary>
public sealed record Reading(long Meter, int Value);

/// <summary>A note about something that has a Guid.</summary>
public sealed record Note(Guid Subject, string Text);

/// <summary>Silos of this process with the engine and the stream provider "events" on one storage, a client, and an account of what subscribers got.</summary>
internal sealed class ProviderCluster : IAsyncDisposable
{
    public const string Provider = "events";

    private readonly InProcessTestCluster _cluster;

    private ProviderCluster(InProcessTestCluster cluster, InMemoryStorage storage, Account account)
    {
        _cluster = cluster;
        Storage = storage;
        Account = account;
    }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public InMemoryStorage Storage { get; }

    public Account Account { get; }

    public IClusterClient Client => _cluster.Client;

    public IReadOnlyList<InProcessSiloHandle> Silos => _cluster.Silos;

    public StreamingEngine Engine => EngineOf(Silos[0]);

    public static async Task<ProviderCluster> StartAsync(
        short silos = 1,
        bool retain = true,
        InMemoryStorage? storage = null,
        Action<StreamingProviderOptions>? options = null,
        Action<ISiloBuilder>? configure = null,
        Account? account = null,
        IReadOnlyDictionary<string, string?>? settings = null)
    {
        storage ??= new InMemoryStorage();
        account ??= new Account();
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = "orders"; // States of grains belong to the service; the next cluster is of the same.
        builder.ConfigureHost(host => host.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(account));
        builder.ConfigureSiloHost((_, host) => host.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>()));
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(account);
            if (settings is null)
            {
                silo.AddStreamingGrainStorage("PubSubStore");
            }

            silo.AddStreaming(
                s => Declare(s.UseMemory(storage), retain).AddOperator<Totals>(from: "orders", to: "totals"),
                o =>
                {
                    o.RestartDelay = TimeSpan.FromMilliseconds(50);
                    o.CheckpointEvery = TimeSpan.FromMilliseconds(100);
                });
            silo.AddStreamingProvider(
                Provider,
                o =>
                {
                    o.SettleAfter = TimeSpan.FromMilliseconds(200);
                    options?.Invoke(o);
                },
                p => p.ConfigurePullingAgent(o => o.Configure(a => a.MaxEventDeliveryTime = TimeSpan.FromSeconds(1))));
            configure?.Invoke(silo);
        });
        builder.ConfigureClient(client => client.AddStreamingProvider(Provider, s => Declare(s, false)));
        InProcessTestCluster cluster = builder.Build();
        await cluster.DeployAsync();
        var started = new ProviderCluster(cluster, storage, account);
        await started.ReadyAsync();
        return started;
    }

    public static StreamingEngine EngineOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<StreamingEngine>();

    public static FeedHub HubOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredKeyedService<FeedHub>(Provider);

    /// <summary>What the owner of a key's partition hands out; null while nobody owns it.</summary>
    public FeedChannel? ChannelOf(string stream, string key) => Silos.SelectMany(s => HubOf(s).Channels)
        .FirstOrDefault(c => c.Stream.Name == stream && c.Index == KeyHash.PartitionOf(KeyHash.Compute(Encoding.UTF8.GetBytes(key)), c.Stream.PartitionCount));

    public static Order[] Orders(int from, int count, int customers) => [.. Enumerable.Range(from, count).Select(n => new Order($"c{n % customers}", n))];

    public IAsyncStream<T> Stream<T>(string stream, string key) => Client.GetStreamProvider(Provider).GetStream<T>(StreamId.Create(stream, key));

    public IExplicit Explicit(string name) => Client.GetGrain<IExplicit>(name);

    /// <summary>Every partition is served, and every silo that serves one knows of its reader.</summary>
    public Task ReadyAsync() => StreamingCluster.UntilAsync(
        async () => (await Task.WhenAll(Silos.Select(s => EngineOf(s).GetHealthAsync()))).All(h => h.Ready), "all silos are ready");

    public async Task<InProcessSiloHandle> AddSiloAsync()
    {
        InProcessSiloHandle added = await _cluster.StartAdditionalSiloAsync();
        await ReadyAsync();
        return added;
    }

    /// <summary>Everything of a stream that was delivered is stored as delivered.</summary>
    public async Task<bool> StoredAsync(string stream) => (await Task.WhenAll(Partitions(
        p => p.Stream.Name != stream || p.Sinks.All(r => p.Manifest.Current.Sinks.GetValueOrDefault(r.Id, -1) >= p.Log.LastOffset)))).All(stored => stored);

    /// <summary>A stream has no records any more.</summary>
    public async Task<bool> TrimmedAsync(string stream) => (await Task.WhenAll(Partitions(
        p => p.Stream.Name != stream || p.Manifest.Current.TrimmedTo >= p.Log.LastOffset))).All(trimmed => trimmed);

    public Task CommandAsync(PersistentStreamProviderCommand command) =>
        Client.GetGrain<IManagementGrain>(0).SendControlCommandToProvider<PersistentStreamProvider>(Provider, (int)command, null!);

    /// <summary>As a crash, as far as one process can imitate it.</summary>
    public Task KillAsync(InProcessSiloHandle silo) => _cluster.KillSiloAsync(silo);

    public Task StopAsync(InProcessSiloHandle silo) => _cluster.StopSiloAsync(silo);

    /// <summary>Waits until a subscriber has got these numbers, each at least once, and checks their order.</summary>
    public async Task ArrivedAsync(string subscriber, IReadOnlyCollection<int> numbers)
    {
        try
        {
            await StreamingCluster.UntilAsync(() => Task.FromResult(Account.Numbers(subscriber).ToHashSet().IsSupersetOf(numbers)), $"{subscriber} has got {numbers.Count} events");
        }
        catch (TimeoutException e)
        {
            int[] missing = [.. numbers.Except(Account.Numbers(subscriber))];
            throw new TimeoutException($"{e.Message}; missing {missing.Length}: {string.Join(",", missing.Take(20))}\n{string.Join('\n', Account.Lines.TakeLast(40))}");
        }

        Account.InOrder(subscriber);
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    private IEnumerable<Task<bool>> Partitions(Func<Partition, bool> holds) =>
        Silos.SelectMany(s => EngineOf(s).Hosts).Select(h => h.AskAsync(s => s.Ownerships.Active.All(holds)));

    private static StreamingBuilder Declare(StreamingBuilder s, bool retain) => s
        .DefaultPartitions(4)
        .AddStream<Order>("orders", keyedBy: o => o.Customer, o =>
        {
            o.Also<Cancellation>(c => c.Customer);
            if (retain)
            {
                o.Retain(TimeSpan.FromHours(1), 100 << 20);
            }
        })
        .AddStream<Order>("quiet", keyedBy: o => o.Customer)
        .AddStream<Order>("totals", keyedBy: o => o.Customer)
        .AddStream<Reading>("readings", keyedBy: r => r.Meter)
        .AddStream<Note>("notes", keyedBy: n => n.Subject);
}

/// <summary>What subscribers got, and what they are told to do about it.</summary>
internal sealed class Account : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<Entry> _entries = new();
    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>Called before an event is noted; may wait or throw.</summary>
    public Func<string, int, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    public ConcurrentQueue<(string Subscriber, Exception Error)> Errors { get; } = new();

    public IEnumerable<Entry> Entries => _entries;

    public IEnumerable<string> Lines => _lines;

    public async Task NoteAsync(string subscriber, string key, int number, StreamSequenceToken? token)
    {
        await Before(subscriber, number);
        _entries.Enqueue(new Entry(subscriber, key, number, ((OffsetToken)token!).Offset));
    }

    public int[] Numbers(string subscriber) => [.. _entries.Where(e => e.Subscriber == subscriber).Select(e => e.Number)];

    /// <summary>What comes for the first time comes in order.</summary>
    public void InOrder(string subscriber)
    {
        foreach (IGrouping<string, Entry> key in _entries.Where(e => e.Subscriber == subscriber).GroupBy(e => e.Key))
        {
            int[] first = [.. key.Select(e => e.Number).Distinct()];
            first.ShouldBe([.. first.Order()], $"the order of {key.Key} at {subscriber}");
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{eventId.Id} {logLevel}: {formatter(state, exception)} {exception?.GetType().Name} {exception?.Message}");

    public void Dispose()
    {
    }

    internal sealed record Entry(string Subscriber, string Key, int Number, Offset Offset);
}
