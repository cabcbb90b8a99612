using System.Runtime.InteropServices;

namespace OrleansStreaming.Testing.Simulation;

/// <content>What simulated operators get of the world.</content>
internal sealed partial class SimulatedWorld
{
    private readonly Dictionary<(int Slot, long Offset), int> _throws = [];

    /// <summary>A flaky one throws some times at most on an event; one that is never to leave an event out throws as long as there are faults.</summary>
    public void PerhapsThrow(SimulatedSilo silo, SimulatedOperator op, Offset offset, ulong eventId)
    {
        if (!Faulty)
        {
            return;
        }

        if (!op.LeavesOut && (op.ThrowsOn(eventId) || Director?.Throws(silo, op, eventId) == true) && Faults.Allows(FaultKind.Throw))
        {
            Faults.Happened(FaultKind.Throw);
            throw new SimulatedThrow("not as long as things go wrong");
        }

        if (op.Flaky && Random.Chance(Scenario.Rates.Throw))
        {
            ref int thrown = ref CollectionsMarshal.GetValueRefOrAddDefault(_throws, (op.Slot, offset.Value), out _);
            if (thrown < Scenario.Rates.MaxThrows && Faults.Allows(FaultKind.Throw))
            {
                thrown++;
                Faults.Happened(FaultKind.Throw);
                throw new SimulatedThrow("not this time");
            }
        }
    }

    public Task? PerhapsWait(SimulatedSilo silo, SimulatedOperator op)
    {
        if (!op.Async || !Random.Chance(250))
        {
            return null;
        }

        Totals.AsyncTurns++;
        return Gates.Wait(silo, GateKind.Turn, new GateName("a turn goes on"), static () => true).AsTask();
    }

    public Task<ulong> Answer(SimulatedSilo silo, ulong request) => Gates.Wait(silo, GateKind.Call, new GateName("call", request.ToString("x", System.Globalization.CultureInfo.InvariantCulture)), Random.Next).AsTask();
}
