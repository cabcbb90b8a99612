using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Frames reach storage one after the other; they are confirmed together, unless a seal came first.</summary>
internal sealed class SimulatedJournalWriter(SimulatedWorld world, SimulatedSilo owner, StoredJournal journal) : IJournalWriter
{
    private bool _failed;

    public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
    {
        if (frames.Count == 0)
        {
            return;
        }

        if (_failed)
        {
            throw new StorageException($"{journal.Name} must be given up: an append has failed");
        }

        try
        {
            await StoreAsync(frames).ConfigureAwait(false);
        }
        catch (StorageException e) when (e is not (StorageFullException or JournalFencedException))
        {
            _failed = true;
            throw;
        }
    }

    public ValueTask DisposeAsync() => default;

    private async ValueTask StoreAsync(IReadOnlyList<FrameToWrite> frames)
    {
        world.Oracle.Prefix.Handed(journal.Name, frames);
        if (world.Faults.Strikes(FaultKind.DiskFull, world.Scenario.Rates.DiskFull))
        {
            throw new StorageFullException($"no space for {journal.Name}");
        }

        int next = 0;
        while (next < frames.Count)
        {
            int from = next, until = world.Scenario.FrameByFrame ? next + 1 : world.Random.Between(next + 1, frames.Count);
            FrameToWrite[] some = [.. frames.Skip(from).Take(until - from)];
            await world.Gates.Wait(owner, GateKind.Append, new GateName("append to", journal.Name, some[0].Lsn, some[^1].Lsn), () => Store(some), perMille => Tear(some, perMille)).ConfigureAwait(false);
            next = until;
        }

        long last = frames[^1].Lsn;
        await world.Gates.Wait(owner, GateKind.Confirm, new GateName("confirm", journal.Name, To: last), () =>
        {
            journal.Confirm(last);
            return true;
        }).ConfigureAwait(false);
    }

    private bool Store(FrameToWrite[] frames)
    {
        foreach (FrameToWrite frame in frames)
        {
            journal.Store(frame);
        }

        return true;
    }

    private void Tear(FrameToWrite[] frames, int perMille) => journal.StoreTorn(frames, (int)(frames.Sum(f => (long)f.Length) * perMille / 1000));
}
