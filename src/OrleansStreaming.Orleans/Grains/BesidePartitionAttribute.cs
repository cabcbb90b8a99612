using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace OrleansStreaming.Clustering;

/// <summary>Places a grain on the silo that serves the partition of its key.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class BesidePartitionAttribute() : PlacementAttribute(new BesidePartition());

/// <inheritdoc cref="BesidePartitionAttribute"/>
[Serializable]
[GenerateSerializer]
[Immutable]
internal sealed class BesidePartition : PlacementStrategy
{
    /// <summary>No directory says where it is: whoever serves the partition, as the partition's manifest says.</summary>
    public override bool IsUsingGrainDirectory => false;
}

/// <summary>
/// Only the core of the silo that serves a partition calls the grains of its keys. So the silo that serves it is the one
/// that asks; anybody else who calls gets an activation that does nothing.
/// </summary>
internal sealed class BesidePartitionDirector : IPlacementDirector
{
    private Task<SiloAddress>? _here;

    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context) =>
        _here ??= Task.FromResult(context.LocalSilo);
}
