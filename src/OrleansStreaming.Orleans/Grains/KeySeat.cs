using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// What is kept of a grain of the core for as long as that is in memory: the activation of its own in which its turns run, if
/// there is one. Whichever of the two leaves memory first takes leave of the other here.
/// </summary>
internal sealed class KeySeat(SiloIncarnation silo, OperatorHost host, Core.Grain grain) : Seat
{
    private static readonly DeactivationReason Unneeded = new(DeactivationReasonCode.ApplicationRequested, "The operator's grain has left the memory of its partition.");
    private volatile bool _isReleased;

    public override string GrainKey => GrainIdentity.Of(host.Type.Definition.Name, host.Type.KeyText(grain.Key));

    public override void Attach(IGrainContext activation)
    {
        base.Attach(activation);
        if (_isReleased)
        {
            Release(); // The call was on its way when the core let go.
        }
    }

    /// <summary>The core's grain may leave memory, too; else its next turn brings up another activation.</summary>
    public override bool Detach(IGrainContext activation)
    {
        bool left = base.Detach(activation);
        if (left)
        {
            silo.Post(_ => host.Unseated(grain));
        }

        return left;
    }

    /// <summary>The core's grain has left memory: the activation need not stay.</summary>
    public void Release()
    {
        _isReleased = true;
        Leave()?.Deactivate(Unneeded);
    }
}
