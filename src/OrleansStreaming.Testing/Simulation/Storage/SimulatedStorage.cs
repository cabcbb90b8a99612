using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Storage as one silo incarnation sees it. Every operation waits at a gate until the schedule lets it take effect, so that
/// operations of several requests and silos interleave, answers get lost, and a crash falls between two of them.
/// </summary>
internal sealed class SimulatedStorage(SimulatedWorld world, SimulatedSilo owner) : IStorage
{
    private StoredData Data => world.Stored;

    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"create {journal}", () =>
        {
            StoredJournal stored = Data.Journal(journal);
            if (stored.Created)
            {
                throw new StorageException($"{journal} exists");
            }

            stored.Created = true;
            return (IJournalWriter)new Writer(this, stored);
        });

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"fence {journal}", () =>
        {
            long end = Data.Journal(journal).Seal();
            world.Oracle.Fenced(journal, end);
            return end;
        });

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"read {journal} {fromLsn}..{toLsn}", () =>
            (IReadOnlyList<StoredFrame>)Data.Journal(journal).Read(fromLsn, toLsn, world.ReadBytes(maxBytes)));

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) =>
        Void(world.Gates.Wait(owner, GateKind.Storage, $"trim {journal} below {belowLsn}", () =>
        {
            world.Totals.Trims += Data.Journal(journal).Trim(belowLsn);
            return true;
        }));

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"read {name}", () => Data.Records.GetValueOrDefault(name));

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"swap {name}", () => Data.Swap(name, expectedTag, content));

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Void(world.Gates.Wait(owner, GateKind.Storage, $"write {name}", () =>
        {
            Data.Runs[name] = content.ToArray();
            return true;
        }));

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"read {name}", () =>
        {
            if (!Data.Runs.TryGetValue(name, out byte[]? bytes))
            {
                throw new CorruptDataException(name, 0, "there is no such run");
            }

            int start = (int)(offset < 0 ? bytes.Length + offset : offset);
            return (ReadOnlyMemory<byte>)bytes.AsMemory(start, Math.Min(length, bytes.Length - start));
        });

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) =>
        Void(world.Gates.Wait(owner, GateKind.Storage, $"delete {name}", () =>
        {
            world.Totals.RunsDeleted++;
            return Data.Runs.Remove(name);
        }));

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        world.Gates.Wait(owner, GateKind.Storage, $"list {prefix}", () =>
            (IReadOnlyList<string>)[.. Data.Runs.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))]);

    public ValueTask DisposeAsync() => default;

    private static async ValueTask Void(ValueTask<bool> task) => await task.ConfigureAwait(false);

    private sealed class Writer(SimulatedStorage storage, StoredJournal journal) : IJournalWriter
    {
        /// <summary>Frames reach storage one after the other; they are confirmed together, unless a seal came first.</summary>
        public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
        {
            SimulatedWorld world = storage.World;
            int next = 0;
            if (world.IsDiskFull())
            {
                throw new StorageFullException($"no space for {journal.Name}");
            }

            while (next < frames.Count)
            {
                int until = world.Random.Between(next + 1, frames.Count), from = next;
                await world.Gates.Wait(storage.Owner, GateKind.Append, $"append {frames[from].Lsn}..{frames[until - 1].Lsn} to {journal.Name}", () =>
                {
                    for (int i = from; i < until; i++)
                    {
                        journal.Store(frames[i]);
                        world.Oracle.StoredFrame(journal.Name, frames[i].Lsn);
                    }

                    return true;
                }).ConfigureAwait(false);
                next = until;
            }

            await world.Gates.Wait(storage.Owner, GateKind.Confirm, $"confirm {frames[^1].Lsn} of {journal.Name}", () =>
            {
                if (journal.Fenced)
                {
                    throw new JournalFencedException($"{journal.Name} is sealed");
                }

                journal.Confirmed = frames[^1].Lsn;
                return true;
            }).ConfigureAwait(false);
        }

        public ValueTask DisposeAsync() => default;
    }

    private SimulatedWorld World => world;

    private SimulatedSilo Owner => owner;
}
