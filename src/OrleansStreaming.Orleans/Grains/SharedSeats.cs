using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The activations that keys of one operator share while they have had few turns in memory. An activation of its own costs a
/// key as much as many short turns do, and where keys come and go few would ever earn it. Turns that are long do not share:
/// they would hold up other keys, and to them an activation is cheap.
/// </summary>
internal sealed class SharedSeats
{
    /// <summary>So many turns of a key run here before it gets an activation of its own.</summary>
    public const int TurnsPerKey = 4;

    /// <summary>Turns that keep their thread for longer than this are long.</summary>
    private static readonly TimeSpan LongTurn = TimeSpan.FromMilliseconds(1);

    /// <summary>After long turns it is tried again after so many milliseconds.</summary>
    private const long TryAgainMs = 10_000;

    /// <summary>So many turns in a row go to one seat, which then runs them in one go.</summary>
    private const int InARow = 16;

    private readonly SharedSeat[] _seats;
    private uint _next;
    private long _notBeforeMs;

    public SharedSeats(string @operator) =>
        _seats = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(i => new SharedSeat(GrainIdentity.Shared(@operator, i)))];

    public IReadOnlyList<SharedSeat> All => _seats;

    /// <summary>The seat for a turn, or null when turns are long or held up. Called in the silo's loop.</summary>
    public SharedSeat? Next(HostedTurn turn)
    {
        SharedSeat seat = _seats[_next++ / InARow % _seats.Length];
        if (seat.TurnTime > LongTurn)
        {
            _notBeforeMs = turn.StartedMs + TryAgainMs;
            seat.TurnTime = TimeSpan.Zero;
        }

        return turn.StartedMs < _notBeforeMs || seat.IsHeldUp ? null : seat;
    }
}
