using Orleans.GrainDirectory;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The directory of grains that need none: it knows of nothing and takes everything, so that finding such a grain costs no
/// call to another silo, and the loss of a silo takes no activation of another with it.
/// </summary>
internal sealed class OpenDirectory : IGrainDirectory
{
    public const string Name = "OrleansStreaming";

    public Task<GrainAddress?> Register(GrainAddress address) => Task.FromResult<GrainAddress?>(address);

    public Task Unregister(GrainAddress address) => Task.CompletedTask;

    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult<GrainAddress?>(null);

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}
