using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>Runs turns in grains of a cluster, one grain per operator and key. Nothing waits, nothing throws.</summary>
internal interface IGrainHosting
{
    /// <summary>Runs a turn in the grain of its operator and key. Called in the silo's loop, for one turn of a grain at a time.</summary>
    /// <param name="silo">Whose turn it is.</param>
    /// <param name="turn">The turn; <see cref="Grain.Seat"/> of its grain is for what is to be kept until the next.</param>
    void Run(SiloIncarnation silo, HostedTurn turn);

    /// <summary>A grain has left the silo's memory: so may the cluster's.</summary>
    void Release(object seat);
}
