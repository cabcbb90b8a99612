using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <content>What operators get of the world.</content>
internal sealed partial class SimulatedWorld
{
    public void PerhapsThrow(int slot, long key, Offset offset)
    {
        if (!Faulty || !Scenario.Operators[slot].Flaky || !Random.Chance(60))
        {
            return;
        }

        ref int thrown = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_throws, (slot, key, offset.Value), out _);
        if (thrown < 2)
        {
            thrown++;
            throw new SimulatedThrow("not this time");
        }
    }

    public Task? PerhapsWait(SimulatedSilo silo, int slot)
    {
        if (!Scenario.Operators[slot].Async || !Random.Chance(250))
        {
            return null;
        }

        Totals.AsyncTurns++;
        return Gates.Wait(silo, GateKind.Turn, "turn goes on", () => true).AsTask();
    }

    public Task<ulong> Answer(SimulatedSilo silo, ulong request) =>
        Gates.Wait(silo, GateKind.Call, $"call {request:x}", Random.Next).AsTask();
}
