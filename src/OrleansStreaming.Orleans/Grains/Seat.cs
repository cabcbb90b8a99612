using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// What is kept of a grain of the core for as long as that is in memory: the activation in which its turns run, if there is
/// one. Whichever of the two leaves memory first takes leave of the other here.
/// </summary>
internal sealed class Seat(SiloIncarnation silo, OperatorHost host, Core.Grain grain)
{
    private static readonly DeactivationReason Unneeded = new(DeactivationReasonCode.ApplicationRequested, "The operator's grain has left the memory of its partition.");
    private IGrainContext? _activation;
    private volatile bool _isReleased;

    public string Operator => host.Type.Definition.Name;

    public string Key => host.Type.KeyText(grain.Key);

    /// <summary>The activation; null when there is none.</summary>
    public IGrainContext? Activation => Volatile.Read(ref _activation);

    /// <summary>When it was last called, which Orleans sees; milliseconds. Used by the silo's loop only.</summary>
    public long CalledMs { get; set; }

    public void Attach(IGrainContext activation)
    {
        Interlocked.Exchange(ref _activation, activation);
        if (_isReleased)
        {
            Release(); // The call was on its way when the core let go.
        }
    }

    /// <summary>Orleans deactivates: the core's grain may leave memory, too; else its next turn brings up another activation.</summary>
    public void Detach(IGrainContext activation)
    {
        if (Interlocked.CompareExchange(ref _activation, null, activation) == activation)
        {
            silo.Post(_ => host.Unseated(grain));
        }
    }

    /// <summary>The core's grain has left memory: the activation need not stay.</summary>
    public void Release()
    {
        _isReleased = true;
        Interlocked.Exchange(ref _activation, null)?.Deactivate(Unneeded);
    }
}
