using Orleans.Runtime.Services;

namespace OrleansStreaming.Clustering;

/// <summary>Finds the service of a silo by its address.</summary>
internal sealed class SiloServiceClient(IServiceProvider services) : GrainServiceClient<ISiloService>(services)
{
    public ISiloService Of(SiloAddress silo) => GetGrainService(silo);
}
