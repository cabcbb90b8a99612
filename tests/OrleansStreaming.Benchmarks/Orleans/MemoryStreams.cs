using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Streams;

namespace OrleansStreaming.Benchmarks;

/// <summary>Memory streams and a grain per key that is subscribed implicitly, with the defaults: nothing is durable.</summary>
internal sealed class MemoryStreams : Contender
{
    public const string Provider = "memory", Namespace = "work";
    private IStreamProvider? _streams;

    public override string Name => "memory streams";

    public override async Task<int> SendAsync(long number, WorkKeys keys, int most, bool timed, CancellationToken cancellationToken)
    {
        Work work = Work.Of(number, keys, timed ? Stopwatch.GetTimestamp() : 0);
        await _streams!.GetStream<Work>(StreamId.Create(Namespace, work.Key)).OnNextAsync(work);
        return 1;
    }

    protected override void Configure(ISiloBuilder silo) =>
        silo.AddMemoryStreams(Provider).AddMemoryGrainStorage("PubSubStore");

    protected override Task StartedAsync(CancellationToken cancellationToken)
    {
        _streams = Hosts[0].Services.GetRequiredService<IClusterClient>().GetStreamProvider(Provider);
        return Task.CompletedTask;
    }
}

internal interface ISubscribedGrain : IGrainWithIntegerKey;

[ImplicitStreamSubscription(MemoryStreams.Namespace)]
internal sealed class SubscribedGrain : Grain, ISubscribedGrain
{
    private Tally _tally;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        IAsyncStream<Work> stream = this.GetStreamProvider(MemoryStreams.Provider).GetStream<Work>(StreamId.Create(MemoryStreams.Namespace, this.GetPrimaryKeyLong()));
        await stream.SubscribeAsync((work, _) =>
        {
            _tally.Count++;
            _tally.Sum += work.Amount;
            Done.Add(in work);
            return Task.CompletedTask;
        });
    }
}
