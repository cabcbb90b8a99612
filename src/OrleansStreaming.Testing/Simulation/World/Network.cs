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

    public IReadOnlyList<Parcel> Parcels => _parcels;

    public void Send(SimulatedSilo from, int toJournal, SiloMessage message)
    {
        FaultRates rates = world.Scenario.Rates;
        if (world.Faulty && world.Random.Chance(message is SealsMessage ? Math.Max(rates.Lose, rates.LoseSeals) : rates.Lose))
        {
            world.Totals.MessagesLost++;
            return;
        }

        var parcel = new Parcel(toJournal, message, from.Number);
        _parcels.Add(parcel);
        if (world.Faulty && world.Random.Chance(rates.Repeat))
        {
            world.Totals.MessagesRepeated++;
            _parcels.Add(parcel);
        }
    }

    public void DeliverOne()
    {
        if (_parcels.Count == 0)
        {
            return;
        }

        FaultRates rates = world.Scenario.Rates;
        int at = 0;
        if (world.Faulty && _parcels.Count > 1 && world.Random.Chance(rates.Reorder))
        {
            at = world.Random.Below(_parcels.Count);
            world.Totals.MessagesReordered++;
        }

        Parcel parcel = _parcels[at];
        _parcels.RemoveAt(at);
        bool held = world.Faulty && world.Director?.Holds(world, parcel) == true;
        if (held || (world.Faulty && parcel.From == rates.SlowSilo && parcel.Message is DataMessage && world.Random.Chance(rates.Slow)))
        {
            _parcels.Add(parcel); // Goes to the end of the line.
            return;
        }

        Deliver(parcel);
    }

    /// <summary>Hands a message to the incarnation that it is for, if that still runs.</summary>
    public void Deliver(Parcel parcel)
    {
        foreach (SimulatedSilo silo in world.Silos)
        {
            if (silo.Runs && silo.Journal == parcel.To)
            {
                if (world.Tracing && parcel.Message is not WatermarkMessage)
                {
                    world.Trace($"{silo.Label} <- {Describe(parcel.Message)}");
                }

                world.Note((ulong)parcel.To + 1000);
                world.Guard(silo, () => silo.Silo.Receive(parcel.Message));
                return;
            }
        }
    }

    private string Describe(SiloMessage message) => message switch
    {
        DataMessage data => $"data from J{data.From} R{data.SealVersion} for {world.PartitionName(data.Partition)} epoch {data.Epoch} numbers {data.FirstNumber}+{data.Count}{(data.Flagged ? " flagged" : "")} {data.Floor} [{string.Join(' ', data.Slots.Select(s => s.Void ? "void" : s.Vector?.ToString() ?? "{}"))}]",
        AckMessage ack => $"ack from J{ack.From} {world.PartitionName(ack.Partition)} epoch {ack.Epoch} received {ack.Received} durable {ack.DurableNumber}",
        _ => message.ToString(),
    };
}
