namespace OrleansStreaming.Core;

/// <summary>Writes what a checkpoint consists of, and composes the manifest that commits it.</summary>
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
            || (needed[0].NeededFrom > now.Owners[0].NeededFrom && silo.Counters.JournalBytes - _bytesAtCommit >= silo.Options.IdlePinBytes);
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
        partition.Duplicates.AdvanceStable(candidate.LeavesNothing);
        candidate.TablePosition = partition.Duplicates.StablePosition;
        string prefix = $"{partition.Name}/{partition.Epoch}-{silo.NextRunNumber()}";
        byte[]? table = null;
        if (candidate.TablePosition > now.TablePosition && (partition.Duplicates.Stable.Count > 0 || now.Table is not null))
        {
            table = partition.Duplicates.Stable.ToBytes();
            candidate.Table = prefix + "-names";
        }

        if (candidate.Buffer.Count > 0)
        {
            candidate.RunName = prefix;
        }

        byte[]? archive = StartArchive(candidate, prefix);
        if (candidate.RunName is null && table is null && archive is null)
        {
            candidate.Phase = CandidatePhase.Written;
            return;
        }

        int[] operators = [.. partition.Hosts.Select(h => h.Id)];
        silo.Submit(new Request<CheckpointRun?>(
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
                    return null;
                }

                using var writer = new CaptureWriter(candidate.Buffer, operators, silo.RunLimits, silo.Ports);
                await storage.WriteRunAsync(candidate.RunName, writer.WriteAsync(cancel), cancel).ConfigureAwait(false);
                candidate.Micros += writer.Micros;
                return writer.Writer.ToRun(candidate.RunName);
            },
            (run, error) => Written(candidate, run, error)));
    }

    private void Written(Candidate candidate, CheckpointRun? run, Exception? error)
    {
        if (partition.Lost)
        {
            return;
        }

        candidate.Phase = CandidatePhase.Written;
        if (error is not null)
        {
            silo.Log.CheckpointFailed(silo.Name, partition.Name, error);
            silo.ReportStorageTrouble(partition.Name, error);
        }

        if (candidate.Dropped)
        {
            Discard(candidate);
        }
        else if (error is not null)
        {
            Abandon(candidate);
            _forced = false; // Storage is not well: wait for the next interval.
        }
        else
        {
            silo.ReportStorageTrouble(partition.Name, null);
            if (run is not null)
            {
                candidate.Run = run;
                _known.Add(run.Name, run);
                silo.Counters.CheckpointBytes += run.Length;
                silo.Counters.CheckpointedGrains += run.Entries;
            }
        }
    }

    /// <summary>Lets go of a candidate that nothing comes of.</summary>
    private void Discard(Candidate candidate)
    {
        if (candidate.Tried)
        {
            DropBases(candidate);
        }

        silo.ReturnCapture(candidate.Buffer);
        if (candidate.Tried)
        {
            return; // A manifest that names its files may land late.
        }

        foreach (string? name in (ReadOnlySpan<string?>)[candidate.RunName, candidate.Table, candidate.ArchiveName])
        {
            if (name is not null)
            {
                _known.Remove(name);
                silo.DeleteRun(name);
            }
        }
    }

    /// <summary>Copies that may yet be committed: what follows them must not build on the ones before.</summary>
    private void DropBases(Candidate candidate)
    {
        for (int i = candidate.Applied; i < candidate.Buffer.Count && silo.Deltas.InUse; i++)
        {
            candidate.HostOf(i, partition).DropBase(candidate.Buffer[i].Grain);
        }
    }

    private PartitionManifest Compose(PartitionManifest before, Candidate candidate)
    {
        List<RunInfo> runs = [.. before.Runs];
        if (candidate.Run is { } run && runs.TrueForAll(r => r.Name != run.Name))
        {
            runs.Add(new RunInfo(run.Name, run.Length, run.Entries));
        }

        var committed = new Dictionary<int, long>(before.Committed);
        foreach (OperatorHost host in partition.Hosts)
        {
            committed[host.Id] = Math.Max(committed.GetValueOrDefault(host.Id, -1), Mutations.AnnounceTooMuch ? host.CursorOffset : host.Coverage.CoveredTo); // Facts only move forward.
        }

        var sinks = new Dictionary<int, long>(before.Sinks);
        var stored = new Dictionary<int, long>(before.SinksStored);
        foreach (StableReader sink in partition.Sinks)
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

        foreach (StableReader sink in Mutations.TrimUnreleased ? [] : partition.Sinks)
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
