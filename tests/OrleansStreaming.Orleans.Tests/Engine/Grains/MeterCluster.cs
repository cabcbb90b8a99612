using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.TestingHost;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests.Grains;

/// <summary>A cluster with one operator that has a grain per key, and what it was sent.</summary>
internal sealed class MeterCluster(StreamingCluster cluster, Turns turns) : IAsyncDisposable
{
    private int _published;

    public StreamingCluster Cluster => cluster;

    public Turns Turns => turns;

    /// <param name="silos">How many silos.</param>
    /// <param name="options">Options of the operator.</param>
    /// <param name="collectionAge">After which time Orleans collects; its default when it is null.</param>
    public static async Task<MeterCluster> StartAsync<TOperator>(short silos, Action<OperatorOptions>? options = null, TimeSpan? collectionAge = null)
        where TOperator : OperatorGrain
    {
        var turns = new Turns();
        StreamingCluster cluster = await StreamingCluster.StartAsync(
            silos,
            new InMemoryStorage(),
            s => s.DefaultPartitions(4)
                .AddStream<Reading>("readings", keyedBy: r => r.Meter)
                .AddOperator<TOperator>(from: "readings", configure: o =>
                {
                    o.Hosting = OperatorHosting.GrainPerKey;
                    o.RetryDelay = TimeSpan.FromMilliseconds(1);
                    options?.Invoke(o);
                }),
            silo: s =>
            {
                s.Services.AddSingleton(turns);
                s.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(2)); // A call to a dead silo.
                if (collectionAge is { } age)
                {
                    s.Configure<GrainCollectionOptions>(o => (o.CollectionQuantum, o.CollectionAge) = (age / 4, age));
                }
            });
        return new MeterCluster(cluster, turns);
    }

    /// <summary>Publishes one reading after the other, in turn to each meter, in requests that a repeat of would store nothing twice.</summary>
    public async Task PublishAsync(int count, int meters, int silo = 0)
    {
        for (int left = count; left > 0; left -= 100)
        {
            Reading[] next = [.. Enumerable.Range(_published, Math.Min(100, left)).Select(i => new Reading($"m{i % meters}", i))];
            IngestAnswer answer = await cluster.Engine(silo).PublishAsync("readings", next, "meters", _published + 1, StreamingCluster.Cancel);
            answer.Outcome.ShouldBe(IngestOutcome.Durable);
            _published += next.Length;
        }
    }

    /// <summary>Each meter has counted, exactly once, what was published for it.</summary>
    /// <param name="operator">The operator's name.</param>
    /// <param name="meters">How many meters there are.</param>
    /// <param name="expected">The state of one, from the numbers of its readings.</param>
    public async Task ShouldMatchAsync(string @operator, int meters, Func<IReadOnlyList<int>, string> expected)
    {
        await cluster.QuietAsync();
        Dictionary<string, string> states = await cluster.StatesAsync(@operator);
        states.Count.ShouldBe(meters);
        for (int meter = 0; meter < meters; meter++)
        {
            int[] numbers = [.. Enumerable.Range(0, _published).Where(i => i % meters == meter)];
            states[$"m{meter}"].ShouldBe(expected(numbers));
        }
    }

    public Task ShouldMatchAsync<TOperator>(int meters) =>
        ShouldMatchAsync(typeof(TOperator).Name, meters, numbers => $$"""{"count":{{numbers.Count}},"sum":{{numbers.Sum(n => (long)n)}}}""");

    /// <summary>How many activations of operators there are in the silos, each of one key.</summary>
    public async Task<int> ActivationsAsync()
    {
        var management = cluster.Client.GetGrain<IManagementGrain>(0);
        return (await management.GetDetailedGrainStatistics()).Count(grain => grain.GrainId.Type == GrainType.Create(GrainIdentity.Type) && grain.GrainId.Key.ToString()!.Contains('/'));
    }

    /// <summary>How many partitions each silo serves; one that is on the move counts where it comes from.</summary>
    public async Task<int[]> SharesAsync() =>
        await Task.WhenAll(cluster.Silos.Select(async s => (await StreamingCluster.EngineOf(s).GetSilosAsync()).Sum(status => status.Partitions)));

    public static IGrainFactory GrainsOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<IGrainFactory>();

    public ValueTask DisposeAsync() => cluster.DisposeAsync();
}
