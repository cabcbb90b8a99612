using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Providers.Streams.Common;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Stops the agents of a provider before anything else of the silo: none of them waits for events then, and how far they
/// have delivered is known while the engine can still store it.
/// </summary>
internal sealed class ProviderLifecycle(IServiceProvider services, string name) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle)
    {
        int started = services.GetRequiredService<IOptionsMonitor<StreamLifecycleOptions>>().Get(name).StartStage;
        lifecycle.Subscribe($"{nameof(ProviderLifecycle)}-{name}", started + 1, _ => Task.CompletedTask, StopAsync);
    }

    /// <summary>Stops them.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        services.GetRequiredKeyedService<StreamingAdapter>(name).Stop();
        IControllable provider = services.GetRequiredKeyedService<IControllable>(name);
        try
        {
            await provider.ExecuteCommand((int)PersistentStreamProviderCommand.StopAgents, null!).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ArgumentException)
        {
            // There is no time, or they have never been started.
        }
    }
}
