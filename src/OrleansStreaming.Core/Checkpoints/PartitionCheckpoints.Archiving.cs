namespace OrleansStreaming.Core;

/// <summary>Moves records out of the journals that nobody needs but a slow sink or retention.</summary>
internal sealed partial class PartitionCheckpoints
{
    /// <summary>Records at or below have been archived, or trimmed.</summary>
    private static long ArchivedTo(PartitionManifest manifest) =>
        manifest.Archives.Count == 0 ? manifest.TrimmedTo : Math.Max(manifest.TrimmedTo, manifest.Archives[^1].Last);

    /// <summary>Whether there are old records that pin a journal for nobody but a sink or retention.</summary>
    private bool HasToArchive() => FindToArchive().Count > 0;

    /// <summary>The next blocks to archive, at most some megabytes; those that have left memory come back first.</summary>
    private List<LogBlock> FindToArchive()
    {
        PartitionManifest now = partition.Manifest.Current;
        long worked = now.TablePosition, old = silo.WallMicros - (silo.Options.ArchiveAfterMs * 1000), bytes = 0;
        foreach (OperatorHost host in partition.Hosts)
        {
            worked = Math.Min(worked, now.Committed.GetValueOrDefault(host.Id, -1));
        }

        var blocks = new List<LogBlock>();
        PartitionLog log = partition.Log;
        for (long s = log.FindAfter(ArchivedTo(now)); s < log.EndSequence && bytes < silo.Options.ArchiveRunBytes; s++)
        {
            LogBlock block = log[s];
            if (block.LastOffset > worked || block.BaseTime > old || !block.Closed || !block.IsSettled || !silo.Journals.IsDurable(block.Journal, block.Lsn))
            {
                break;
            }

            if (block.Buffer is null)
            {
                partition.BringBack(s);
                break;
            }

            blocks.Add(block);
            bytes += block.Length;
        }

        return blocks;
    }

    private byte[]? StartArchive(Candidate candidate, string prefix)
    {
        List<LogBlock> blocks = FindToArchive();
        if (blocks.Count == 0)
        {
            return null;
        }

        (byte[] content, List<(long At, int Length)> places) = ArchiveRun.Write(blocks);
        candidate.ArchiveName = prefix + "-records";
        candidate.Archive = new ArchiveInfo(candidate.ArchiveName, blocks[^1].LastOffset, content.Length);
        candidate.Archived = [.. blocks.Zip(places, (b, p) => (b, new ArchivePlace(candidate.ArchiveName, p.At, p.Length)))];
        return content;
    }

    /// <summary>The archives that a manifest with this trim position names.</summary>
    private static List<ArchiveInfo> Archives(PartitionManifest before, Candidate candidate, long trimmed)
    {
        List<ArchiveInfo> archives = [.. before.Archives];
        if (candidate.Archive is { } added && !archives.Contains(added))
        {
            archives.Add(added);
        }

        archives.RemoveAll(a => a.Last <= trimmed);
        return archives;
    }

    private void Archived(Candidate candidate, PartitionManifest before, PartitionManifest now)
    {
        foreach ((LogBlock block, ArchivePlace place) in candidate.Archived)
        {
            block.ArchivedIn = place;
        }

        IEnumerable<ArchiveInfo> gone = candidate.Archive is { } added ? before.Archives.Append(added) : before.Archives;
        foreach (ArchiveInfo archive in gone.Except(now.Archives))
        {
            silo.DeleteRun(archive.Name);
        }
    }
}
