using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace OrleansStreaming.Clustering;

/// <summary>Keeps a silo from starting whose provider cannot work.</summary>
internal sealed class ProviderValidator(IServiceProvider services, string name) : IConfigurationValidator
{
    public void ValidateConfiguration()
    {
        if (services.GetService<IServiceProviderIsService>()?.IsService(typeof(StreamingEngine)) == false)
        {
            throw new OrleansConfigurationException($"Stream provider '{name}' has no engine: call AddStreaming on the silo, too, and declare the streams there.");
        }

        if (services.GetRequiredService<IOptionsMonitor<StreamPullingAgentOptions>>().Get(name).BatchContainerBatchSize != 1)
        {
            throw new OrleansConfigurationException(
                $"Stream provider '{name}': BatchContainerBatchSize must be 1, as it is not known which of several batches were delivered. "
                + $"Events of one stream are handed over together anyway, up to {nameof(StreamingProviderOptions.EventsPerDelivery)}.");
        }

        _ = services.GetRequiredService<IOptionsMonitor<StreamingProviderOptions>>().Get(name);
    }
}
