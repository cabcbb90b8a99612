using Orleans.GrainDirectory;
using Orleans.Placement;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The one grain class of the engine: an activation for each operator and key with a grain of its own, and some that keys of
/// an operator share. The user's operator
/// is the core's, which gives turns and takes their effects; this lends them an activation to run in. So it does not matter
/// when Orleans deactivates it, nor that there are two for a while: neither holds anything.
/// </summary>
[GrainType(GrainIdentity.Type)]
[BesidePartition]
[GrainDirectory(OpenDirectory.Name)]
[Immovable]
internal sealed class OperatorActivation(IGrainContext context) : IGrainBase, IOperatorActivation
{
    private Seat? _seat;

    public IGrainContext GrainContext => context;

    public ValueTask RunAsync(TurnTicket ticket)
    {
        if (ticket is not { Seat: { } seat, Turn: { } turn })
        {
            return default;
        }

        _seat = seat;
        seat.Attach(context);
        return turn.RunAsync();
    }

    /// <summary>A turn that is under way ends here all the same: what is queued on an activation runs, also when it is none any more.</summary>
    public Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _seat?.Detach(context);
        return Task.CompletedTask;
    }
}
