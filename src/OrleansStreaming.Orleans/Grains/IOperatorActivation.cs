using Orleans.Concurrency;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>The grain of one operator and key: turns of the operator run in it.</summary>
[Alias("OrleansStreaming.IOperatorActivation")]
internal interface IOperatorActivation : IGrainWithStringKey
{
    /// <summary>
    /// Runs a turn, and is known from now on to the core that it came from. Nothing when it came from another process, whose
    /// core cannot run turns here. No answer, as the turn itself tells its core when it ends; and it waits for nothing, as the
    /// core gives a grain one turn at a time.
    /// </summary>
    [OneWay]
    [AlwaysInterleave]
    [Alias("RunAsync")]
    ValueTask RunAsync(TurnTicket ticket);
}

/// <summary>A turn on its way to its grain. It does not leave the process: in another one it is empty, as nothing of it is serialised.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansStreaming.TurnTicket")]
internal sealed class TurnTicket(Seat? seat, HostedTurn? turn)
{
    [NonSerialized]
    private readonly Seat? _seat = seat;

    [NonSerialized]
    private readonly HostedTurn? _turn = turn;

    public Seat? Seat => _seat;

    public HostedTurn? Turn => _turn;
}
