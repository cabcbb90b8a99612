using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Storage as one silo incarnation sees it. Every operation waits at a gate until the schedule lets it take effect, so that
/// operations of several requests and silos interleave, answers get lost, and a crash falls between two of them.
/// </summary>
internal sealed class SimulatedStorage(SimulatedWorld world, SimulatedSilo owner) : IStorage
{
    private readonly ReadFaults _faults = new(world);

    private StoredData Data => world.Stored;

    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        Wait("create", journal, () =>
        {
            StoredJournal stored = Journal(journal);
            if (stored.Created)
            {
                throw new StorageException($"{journal} exists");
            }

            stored.Created = true;
            return (IJournalWriter)new SimulatedJournalWriter(world, owner, stored);
        });

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        Wait("fence", journal, () =>
        {
            long end = Journal(journal).Seal();
            world.Oracle.Fenced(journal, end);
            return end;
        });

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, new GateName("read", journal, fromLsn, toLsn), () =>
        {
            int bytes = world.Random.Chance(300) ? world.Random.Between(1, 400) : maxBytes;
            List<StoredFrame> frames = Journal(journal).Read(fromLsn, toLsn, bytes);
            _faults.Check(journal, frames);
            world.Oracle.Prefix.Read(journal, frames);
            if (frames.Count > 0)
            {
                world.Oracle.Seals.Read(journal, frames[^1].Lsn);
            }

            return (IReadOnlyList<StoredFrame>)new LentFrames(frames);
        });

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) =>
        Void(world.Gates.Wait(owner, GateKind.Storage, new GateName("trim", journal, To: belowLsn), () =>
        {
            world.Totals.Trims += Journal(journal).Trim(belowLsn);
            return true;
        }));

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
        Wait("read", name, () =>
        {
            _faults.CheckRecord(name);
            return Data.Records.GetValueOrDefault(name);
        });

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Wait("swap", name, () =>
        {
            ThrowIfFull(name);
            return Data.Swap(name, expectedTag, content);
        });

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Void(Wait("write", name, () =>
        {
            ThrowIfFull(name);
            Data.Runs[name] = content.ToArray();
            return true;
        }));

    public async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        var content = new List<byte>();
        await foreach (ReadOnlyMemory<byte> piece in pieces.ConfigureAwait(false))
        {
            content.AddRange(piece.Span);
        }

        await WriteRunAsync(name, content.ToArray(), cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        Wait("read", name, () =>
        {
            if (!Data.Runs.TryGetValue(name, out byte[]? bytes))
            {
                throw new CorruptDataException(name, 0, "there is no such run");
            }

            int start = (int)(offset < 0 ? Math.Max(0, bytes.Length + offset) : Math.Min(bytes.Length, offset));
            return _faults.Damaged(name, bytes.AsMemory(start, Math.Min(length, bytes.Length - start)));
        });

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) =>
        Void(Wait("delete", name, () =>
        {
            world.Totals.RunsDeleted++;
            return Data.Runs.Remove(name);
        }));

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        Wait("list", prefix, () => (IReadOnlyList<string>)[.. Data.Runs.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))]);

    public ValueTask DisposeAsync() => default;

    private ValueTask<T> Wait<T>(string verb, string target, Func<T> effect) => world.Gates.Wait(owner, GateKind.Storage, new GateName(verb, target), effect);

    private void ThrowIfFull(string name)
    {
        if (owner.Runs && world.Faults.Strikes(FaultKind.DiskFull, world.Scenario.Rates.DiskFull))
        {
            throw new StorageFullException($"no space for {name}");
        }
    }

    private StoredJournal Journal(string name)
    {
        if (!Data.Journals.TryGetValue(name, out StoredJournal? journal))
        {
            Data.Journals.Add(name, journal = new StoredJournal(name, world));
        }

        return journal;
    }

    private static async ValueTask Void(ValueTask<bool> task) => await task.ConfigureAwait(false);
}
