using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Hosting;

namespace OrleansStreaming.Benchmarks;

/// <summary>A grain per key, called for every event. Nothing is durable.</summary>
internal sealed class DirectCalls : Contender
{
    private IGrainFactory? _grains;

    public override string Name => "direct calls";

    public override async Task<int> SendAsync(long number, WorkKeys keys, int most, bool timed, CancellationToken cancellationToken)
    {
        Work work = Work.Of(number, keys, timed ? System.Diagnostics.Stopwatch.GetTimestamp() : 0);
        await _grains!.GetGrain<ICounterGrain>(work.Key).Add(work);
        return 1;
    }

    protected override void Configure(ISiloBuilder silo)
    {
    }

    protected override Task StartedAsync(CancellationToken cancellationToken)
    {
        _grains = Hosts[0].Services.GetRequiredService<IGrainFactory>();
        return Task.CompletedTask;
    }
}

internal interface ICounterGrain : IGrainWithIntegerKey
{
    Task Add(Work work);
}

internal sealed class CounterGrain : Grain, ICounterGrain
{
    private Tally _tally;

    public Task Add(Work work)
    {
        _tally.Count++;
        _tally.Sum += work.Amount;
        Done.Add(in work);
        return Task.CompletedTask;
    }
}
