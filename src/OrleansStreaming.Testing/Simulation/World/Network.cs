using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A message on its way.</summary>
/// <param name="To">The journal of the incarnation that it is for.</param>
/// <param name="Message">The message.</param>
/// <param name="From">The number of the silo that sent it.</param>
internal readonly record struct Parcel(int To, SiloMessage Message, int From);

/// <summary>Carries messages between silos: loses, repeats, delays and reorders them.</summary>
internal sealed class Network(SimulatedWorld world)
{
    private readonly List<Parcel> _parcels = [];
    private int _cutFrom;
    private int _cutTo;
    private long _cutUntilMs;

    public IReadOnlyList<Parcel> Parcels => _parcels;

    public void Send(SimulatedSilo from, int toJournal, SiloMessage message)
    {
        FaultRates rates = world.Scenario.Rates;
        if (world.Faulty && _cutUntilMs > world.NowMs && from.Number == _cutFrom && world.NumberOf(toJournal) == _cutTo)
        {
            world.Trace($"{from.Label} does not get through to J{toJournal}: {message.GetType().Name}");
            return;
        }

        if (message is SealsMessage && world.Faults.Strikes(FaultKind.AnnouncementLost, rates.LoseSeals))
        {
            return;
        }

        if (world.Faults.Strikes(FaultKind.MessageLost, rates.Lose))
        {
            return;
        }

        var parcel = new Parcel(toJournal, message, from.Number);
        _parcels.Add(parcel);
        if (world.Faults.Strikes(FaultKind.MessageRepeated, rates.Repeat))
        {
            _parcels.Add(parcel);
        }
    }

    /// <summary>For a while nothing comes through from one silo to another.</summary>
    public void Cut(int from, int to, long untilMs) => (_cutFrom, _cutTo, _cutUntilMs) = (from, to, untilMs);

    public void DeliverOne()
    {
        if (_parcels.Count == 0)
        {
            return;
        }

        FaultRates rates = world.Scenario.Rates;
        int at = 0;
        if (_parcels.Count > 1 && world.Faults.Strikes(FaultKind.MessageReordered, rates.Reorder))
        {
            at = world.Random.Below(_parcels.Count);
        }

        Parcel parcel = _parcels[at];
        _parcels.RemoveAt(at);
        if (IsHeldUp(parcel))
        {
            _parcels.Add(parcel); // Goes to the end of the line.
            return;
        }

        Deliver(parcel);
    }

    /// <summary>Hands a message to the incarnation that it is for, if that still runs.</summary>
    public void Deliver(Parcel parcel)
    {
        if (world.Find(parcel.To) is { } silo)
        {
            if (parcel.Message is not WatermarkMessage && world.Tracing)
            {
                world.Trace($"{silo.Label} <- {Describe(parcel.Message)}");
            }

            world.Note((ulong)parcel.To + 1000);
            world.Guard(silo, static (silo, message) => silo.Silo.Receive(message), parcel.Message);
        }
    }

    private bool IsHeldUp(Parcel parcel)
    {
        if (!world.Faulty)
        {
            return false;
        }

        FaultRates rates = world.Scenario.Rates;
        return world.Director?.Holds(world, parcel) == true
            || world.Find(parcel.To) is { IsPaused: true }
            || (parcel.From == rates.DelayedSilo && parcel.Message is DataMessage && world.Faults.Strikes(FaultKind.MessageDelayed, rates.Delay));
    }

    private string Describe(SiloMessage message) => message switch
    {
        DataMessage data => $"data from J{data.From} R{data.SealVersion} for {world.PartitionName(data.Partition)} epoch {data.Epoch} numbers {data.FirstNumber}+{data.Count}{(data.Flagged ? " flagged" : "")} {data.Floor} [{string.Join(' ', data.Slots.Select(s => s.Void ? "void" : s.Vector?.ToString() ?? "{}"))}]",
        AckMessage ack => $"ack from J{ack.From} {world.PartitionName(ack.Partition)} epoch {ack.Epoch} received {ack.Received} durable {ack.DurableNumber}",
        _ => message.ToString(),
    };
}
