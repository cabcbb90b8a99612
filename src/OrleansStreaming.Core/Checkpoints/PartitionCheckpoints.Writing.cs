namespace OrleansStreaming.Core;

/// <summary>Writes runs, merges old ones, and composes the manifest that commits them.</summary>
internal sealed partial class PartitionCheckpoints
{
    /// <summary>Whether the table, a sink or retention allows the manifest to move on.</summary>
    private bool HasNews()
    {
        PartitionManifest now = partition.Manifest.Current;
        return partition.Log.LastOffset > now.TablePosition
            || partition.Sinks.Any(s => s.Position > now.Sinks.GetValueOrDefault(s.Id, Offset.None.Value))
            || TrimPosition(now.TablePosition, now.Committed, now.Sinks) > now.TrimmedTo
            || HasToArchive()
            || PinsInVain(now);
    }

    /// <summary>Whether the manifest names journals, or a part of the own one, that nothing here needs: an idle partition must not keep them.</summary>
    private bool PinsInVain(PartitionManifest now)
    {
        List<Ownership> needed = StillNeeded(now.Owners, ArchivedTo(now));
        return needed.Count < now.Owners.Count
            || (needed[0].NeededFrom > now.Owners[0].NeededFrom && silo.Counters.JournalBytes - _bytesAtCommit >= silo.Options.CheckpointBytes);
    }

    /// <summary>Whether a manifest says nothing new.</summary>
    private static bool IsSame(PartitionManifest a, PartitionManifest b) =>
        a.TablePosition == b.TablePosition && a.TrimmedTo == b.TrimmedTo && a.Archives.SequenceEqual(b.Archives) && a.Owners.SequenceEqual(b.Owners)
        && IsSame(a.Committed, b.Committed) && IsSame(a.Sinks, b.Sinks) && IsSame(a.SinksStored, b.SinksStored);

    private static bool IsSame(IReadOnlyDictionary<int, long> a, IReadOnlyDictionary<int, long> b) =>
        a.Count == b.Count && a.All(e => b.TryGetValue(e.Key, out long value) && value == e.Value);

    private void StartWriting(Candidate candidate)
    {
        PartitionManifest now = partition.Manifest.Current;
        candidate.Phase = CandidatePhase.Writing;
        partition.Duplicates.AdvanceStable();
        candidate.TablePosition = partition.Duplicates.StablePosition;
        string prefix = $"{partition.Name}/{partition.Epoch}-{silo.NextRunNumber()}";
        byte[]? table = null;
        if (candidate.TablePosition > now.TablePosition && (partition.Duplicates.Stable.Count > 0 || now.Table is not null))
        {
            table = partition.Duplicates.Stable.ToBytes();
            candidate.Table = prefix + "-names";
        }

        List<(int Operator, byte[] Key, CheckpointEntry Entry)> kept = [];
        if (candidate.Captured.Count > 0)
        {
            candidate.RunName = prefix;
            candidate.Replaced = ChooseMerge(now.Runs, candidate.Captured.Count);
            kept = EntriesToKeep(candidate);
        }

        byte[]? archive = StartArchive(candidate, prefix);
        if (candidate.RunName is null && table is null && archive is null)
        {
            candidate.Phase = CandidatePhase.Written;
            return;
        }

        silo.Submit(new Request<long>(
            $"write run {prefix}",
            async (storage, cancel) =>
            {
                if (table is not null)
                {
                    await storage.WriteRunAsync(candidate.Table!, table, cancel).ConfigureAwait(false);
                }

                if (archive is not null)
                {
                    await storage.WriteRunAsync(candidate.ArchiveName!, archive, cancel).ConfigureAwait(false);
                }

                if (candidate.RunName is null)
                {
                    return 0;
                }

                candidate.Moved = await MergeAsync(storage, candidate, kept, cancel).ConfigureAwait(false);
                byte[] bytes = candidate.Run.ToBytes();
                await storage.WriteRunAsync(candidate.RunName, bytes, cancel).ConfigureAwait(false);
                return bytes.Length;
            },
            (bytes, error) => Written(candidate, bytes, error)));
    }

    private void Written(Candidate candidate, long bytes, Exception? error)
    {
        if (partition.Lost)
        {
            return;
        }

        if (candidate.Dropped || error is not null)
        {
            if (candidate.RunName is not null)
            {
                silo.DeleteRun(candidate.RunName);
            }

            if (candidate.Table is not null)
            {
                silo.DeleteRun(candidate.Table);
            }

            if (candidate.ArchiveName is not null)
            {
                silo.DeleteRun(candidate.ArchiveName);
            }

            if (error is not null)
            {
                silo.Log.CheckpointFailed(silo.Name, partition.Name, error);
                silo.ReportStorageTrouble(partition.Name, error);
            }

            if (!candidate.Dropped)
            {
                Abandon(candidate);
                _forced = false; // Storage is not well: wait for the next interval.
            }

            return;
        }

        silo.ReportStorageTrouble(partition.Name, null);
        candidate.RunBytes = bytes;
        candidate.Phase = CandidatePhase.Written;
        silo.Counters.CheckpointBytes += bytes;
        silo.Counters.CheckpointedGrains += candidate.Captured.Count;
    }

    /// <summary>Logarithmic merging: the newest runs, as long as an older one is not much larger than all newer ones together.</summary>
    private List<RunInfo> ChooseMerge(IReadOnlyList<RunInfo> runs, int newGrains)
    {
        var merge = new List<RunInfo>();
        if (runs.Count < silo.Options.MaxRuns)
        {
            return merge;
        }

        long newer = newGrains;
        for (int i = runs.Count - 1; i >= 0; i--)
        {
            if (runs[i].Grains > 2 * newer && runs.Count - merge.Count < silo.Options.MaxRuns)
            {
                break;
            }

            merge.Insert(0, runs[i]);
            newer += runs[i].Grains;
        }

        return merge;
    }

    private List<(int, byte[], CheckpointEntry)> EntriesToKeep(Candidate candidate)
    {
        if (candidate.Replaced.Count == 0)
        {
            return [];
        }

        var captured = new CheckpointIndex();
        foreach ((OperatorHost host, Grain grain, CheckpointEntry entry) in candidate.Captured)
        {
            captured.Set(host.Id, grain.Key, entry);
        }

        HashSet<string> replaced = [.. candidate.Replaced.Select(r => r.Name)];
        return [.. Index.All().Where(e => replaced.Contains(e.Entry.Run) && !captured.Contains(e.Operator, e.Key))];
    }

    private static async ValueTask<List<(int, byte[], CheckpointEntry)>> MergeAsync(
        IStorage storage, Candidate candidate, List<(int Operator, byte[] Key, CheckpointEntry Entry)> kept, CancellationToken cancellationToken)
    {
        var moved = new List<(int, byte[], CheckpointEntry)>(kept.Count);
        foreach (RunInfo run in candidate.Replaced)
        {
            ReadOnlyMemory<byte> bytes = await storage.ReadRunAsync(run.Name, 0, checked((int)run.Bytes), cancellationToken).ConfigureAwait(false);
            foreach ((int operatorId, byte[] key, CheckpointEntry entry) in kept.Where(k => k.Entry.Run == run.Name))
            {
                ReadOnlyMemory<byte> content = bytes.Slice(entry.At, entry.Length);
                CheckpointRun.ReadEntry(content.Span, entry, key, out _, out _);
                int at = candidate.Run.Copy(operatorId, key, content.Span, entry);
                moved.Add((operatorId, key, entry with { Run = candidate.RunName!, At = at }));
            }
        }

        return moved;
    }

    private PartitionManifest Compose(PartitionManifest before, Candidate candidate)
    {
        List<RunInfo> runs = [.. before.Runs];
        if (candidate.RunName is not null && !candidate.InManifest)
        {
            runs.RemoveAll(candidate.Replaced.Contains);
            runs.Add(new RunInfo(candidate.RunName, candidate.RunBytes, candidate.Run.Count));
        }

        var committed = new Dictionary<int, long>(before.Committed);
        foreach (OperatorHost host in partition.Hosts)
        {
            committed[host.Id] = Math.Max(committed.GetValueOrDefault(host.Id, -1), host.CursorOffset);
        }

        foreach ((OperatorHost host, Grain grain) in _uncovered)
        {
            long from = grain.CapturedAt >= 0 ? grain.UncoveredAfterCapture : grain.UncoveredFrom;
            if (from >= 0 && !Mutations.AnnounceTooMuch)
            {
                committed[host.Id] = Math.Min(committed[host.Id], from - 1);
            }
        }

        foreach ((int operatorId, long position) in before.Committed)
        {
            committed[operatorId] = Math.Max(committed[operatorId], position); // Facts only move forward.
        }

        var sinks = new Dictionary<int, long>(before.Sinks);
        var stored = new Dictionary<int, long>(before.SinksStored);
        foreach (SinkRunner sink in partition.Sinks)
        {
            sinks[sink.Id] = Math.Max(sinks.GetValueOrDefault(sink.Id, -1), sink.Position);
            if (sink.Confirmed >= 0)
            {
                stored[sink.Id] = Math.Max(stored.GetValueOrDefault(sink.Id, -1), sink.Confirmed);
            }
        }

        long table = Math.Max(before.TablePosition, candidate.TablePosition);
        long trimmed = Math.Max(before.TrimmedTo, TrimPosition(table, committed, sinks));
        List<ArchiveInfo> archives = Archives(before, candidate, trimmed);
        return before with
        {
            Archives = archives,
            Runs = runs,
            Committed = committed,
            Sinks = sinks,
            SinksStored = stored,
            Table = candidate.Table ?? before.Table,
            TablePosition = table,
            TrimmedTo = trimmed,
            Owners = StillNeeded(before.Owners, archives.Count == 0 ? trimmed : Math.Max(trimmed, archives[^1].Last)),
        };
    }

    /// <summary>Records at or below are needed by nobody: readers, the table, sinks and retention have passed them.</summary>
    private long TrimPosition(long table, IReadOnlyDictionary<int, long> committed, IReadOnlyDictionary<int, long> sinks)
    {
        long position = Math.Min(table, Retained());
        foreach (OperatorHost host in Mutations.TrimUncovered ? [] : partition.Hosts)
        {
            position = Math.Min(position, committed.GetValueOrDefault(host.Id, -1));
        }

        foreach (SinkRunner sink in Mutations.TrimUnreleased ? [] : partition.Sinks)
        {
            position = Math.Min(position, sinks.GetValueOrDefault(sink.Id, -1));
        }

        return position;
    }

    private long Retained()
    {
        Topologies.StreamDefinition stream = partition.Stream;
        if (stream.RetainFor <= TimeSpan.Zero)
        {
            return long.MaxValue;
        }

        long oldest = silo.WallMicros - (long)stream.RetainFor.TotalMicroseconds, bytes = 0, position = -1;
        PartitionLog log = partition.Log;
        for (long s = log.EndSequence - 1; s >= log.FirstSequence; s--)
        {
            bytes += log[s].Length;
            if (log[s].BaseTime < oldest || (stream.RetainBytes > 0 && bytes > stream.RetainBytes))
            {
                position = log[s].LastOffset;
                break;
            }
        }

        return position;
    }

    /// <summary>The owners whose journals hold records above an offset.</summary>
    private List<Ownership> StillNeeded(IReadOnlyList<Ownership> owners, long above)
    {
        PartitionLog log = partition.Log;
        long first = log.FindAfter(above);
        int epoch = partition.Epoch;
        long lsn = silo.Journal.NextLsn;
        if (first < log.EndSequence)
        {
            epoch = log[first].First.Epoch;
            lsn = log[first].Lsn;
        }

        var needed = new List<Ownership>();
        foreach (Ownership owner in owners)
        {
            if (owner.Epoch > epoch)
            {
                needed.Add(owner);
            }
            else if (owner.Epoch == epoch)
            {
                needed.Add(owner with { NeededFrom = Math.Max(owner.NeededFrom, lsn) });
            }
        }

        return needed;
    }
}
