namespace OrleansStreaming.Core;

/// <summary>
/// Opens claimed partitions: indexes and tables of each as soon as it is claimed; when all claims of a wave are done, one pass
/// over each journal for all of them.
/// </summary>
internal sealed partial class Ownerships
{
    private const int ReadBytes = 4 << 20;
    private const int LeftOversMs = 2000;
    private readonly Dictionary<int, Opening> _loading = [];

    /// <summary>Those whose journals are not being read yet.</summary>
    private List<Opening> _wave = [];

    /// <summary>Claims or loads are under way.</summary>
    public bool Loading => _claiming.Count > 0 || _claimed.Count > 0 || _loading.Count > 0;

    private void StepLoading()
    {
        foreach ((PartitionManifest manifest, string tag) in _claimed)
        {
            var opening = new Opening(manifest, tag);
            _wave.Add(opening);
            _loading.Add(manifest.Partition, opening);
            ReadRuns(opening);
        }

        _claimed.Clear();
        if (_wave.Count > 0 && _claiming.Count == 0 && _loading.Count == _wave.Count)
        {
            List<Opening> wave = _wave;
            _wave = [];
            ReadJournals(wave);
        }
    }

    private void ReadRuns(Opening opening) => silo.Submit(new Request<(List<CheckpointRun>, List<(int, byte[])>, ProducerTable, List<LogBlock>)>(
        $"open {opening.Manifest.Name}",
        async (storage, cancel) =>
        {
            var runs = new List<CheckpointRun>();
            var waiting = new List<(int, byte[])>();
            foreach (RunInfo info in opening.Manifest.Runs)
            {
                (CheckpointRun run, List<(int, byte[])> pending) = await CheckpointRun.OpenAsync(storage, info, cancel).ConfigureAwait(false);
                runs.Add(run);
                waiting.AddRange(pending);
            }

            var table = new ProducerTable();
            if (opening.Manifest.Table is { } name)
            {
                table = ProducerTable.Parse(name, (await storage.ReadRunAsync(name, 0, int.MaxValue, cancel).ConfigureAwait(false)).Span);
            }

            var archived = new List<LogBlock>();
            foreach (ArchiveInfo archive in opening.Manifest.Archives)
            {
                archived.AddRange(await ArchiveRun.OpenAsync(storage, archive.Name, opening.Manifest.Partition, cancel).ConfigureAwait(false));
            }

            return (runs, waiting, table, archived);
        },
        (read, error) =>
        {
            if (error is not null)
            {
                Trouble(opening, error, () => ReadRuns(opening));
                return;
            }

            (opening.Runs, opening.Waiting, opening.Table, List<LogBlock> archived) = read;
            opening.Blocks.AddRange(archived.Where(b => b.LastOffset > opening.Manifest.TrimmedTo));
            Finish(opening);
        }));

    /// <summary>Deletes what earlier owners left over. Nobody waits for it, and a recovery has other things to do first.</summary>
    private void DeleteLeftOvers(PartitionManifest opened) => silo.After(LeftOversMs, () => silo.Submit(new Request<bool>(
        $"delete what is left over of {opened.Name}",
        (storage, cancel) => DeleteLeftOversAsync(storage, opened, cancel),
        (_, error) =>
        {
            if (error is not null && Find(opened.Partition)?.Epoch == opened.Owner!.Epoch)
            {
                silo.Log.StorageFailed(silo.Name, $"runs of {opened.Name}", error);
                DeleteLeftOvers(opened);
            }
        })));

    /// <summary>Runs that earlier owners wrote and never named. Those of later owners are none of its business, should it have been superseded.</summary>
    private static async ValueTask<bool> DeleteLeftOversAsync(IStorage storage, PartitionManifest manifest, CancellationToken cancellationToken)
    {
        string prefix = $"{manifest.Name}/";
        foreach (string run in await storage.ListRunsAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            bool earlier = int.TryParse(run[prefix.Length..].Split('-')[0], System.Globalization.CultureInfo.InvariantCulture, out int epoch)
                && epoch < manifest.Owner!.Epoch;
            if (earlier && run != manifest.Table && manifest.Runs.All(r => r.Name != run) && manifest.Archives.All(a => a.Name != run))
            {
                await storage.DeleteRunAsync(run, cancellationToken).ConfigureAwait(false);
            }
        }

        return true;
    }

    private void ReadJournals(List<Opening> wave)
    {
        var journals = new Dictionary<int, (long From, long To)>();
        foreach (Opening opening in wave)
        {
            foreach (Ownership owner in opening.Manifest.Owners)
            {
                if (owner == opening.Manifest.Owner)
                {
                    continue;
                }

                long to = owner.ReleasedAt >= 0 ? owner.ReleasedAt : silo.Journals.SealedAt(owner.Journal);
                if (owner.ReleasedAt >= 0 && owner.Journal != silo.Journal.Id)
                {
                    silo.Journals.Advance(owner.Journal, owner.ReleasedAt); // A release is written when its end is durable.
                }

                if (owner.NeededFrom > to)
                {
                    continue;
                }

                opening.Ranges.Add((owner.Journal, owner.Epoch, owner.NeededFrom, to));
                (long from, long end) = journals.GetValueOrDefault(owner.Journal, (long.MaxValue, 0));
                journals[owner.Journal] = (Math.Min(from, owner.NeededFrom), Math.Max(end, to));
            }
        }

        foreach (Opening opening in wave)
        {
            opening.JournalsLeft = opening.Ranges.Select(r => r.Journal).Distinct().Count();
        }

        foreach ((int journal, (long from, long to)) in journals)
        {
            ReadJournal(new JournalPass(journal, wave.Where(o => o.Ranges.Any(r => r.Journal == journal)).ToDictionary(o => o.Manifest.Partition)), from, to);
        }

        foreach (Opening opening in wave)
        {
            Finish(opening);
        }
    }

    /// <summary>Reads some of a journal, and finds there what is wanted. What follows is read while that is given out.</summary>
    private void ReadJournal(JournalPass pass, long from, long to)
    {
        string journal = silo.JournalName(pass.Journal);
        silo.Submit(new Request<(long Last, List<FoundBlock> Found)>(
            $"read {journal} from {from} to {to}",
            async (storage, cancel) =>
            {
                IReadOnlyList<StoredFrame> frames = await storage.ReadFramesAsync(journal, from, to, ReadBytes, cancel).ConfigureAwait(false);
                return frames.Count > 0
                    ? (frames[^1].Lsn, pass.Find(frames))
                    : throw new CorruptDataException(journal, 0, $"expected frames {from} to {to}, found none"); // What a manifest says to need is never trimmed.
            },
            (read, error) =>
            {
                if (error is not null)
                {
                    foreach (Opening opening in pass.Readers.Values)
                    {
                        Trouble(opening, error, null);
                    }

                    silo.After(error is CorruptDataException ? 5000 : silo.Options.StorageRetryMs, () => ReadJournal(pass, from, to));
                    return;
                }

                if (read.Last < to)
                {
                    ReadJournal(pass, read.Last + 1, to);
                }

                foreach (FoundBlock found in read.Found)
                {
                    pass.Readers[found.Block.Partition].Add(found);
                }

                if (read.Last >= to)
                {
                    foreach (Opening opening in pass.Readers.Values)
                    {
                        opening.JournalsLeft--;
                        Finish(opening);
                    }
                }
            }));
    }

    private void Finish(Opening opening)
    {
        if (opening.JournalsLeft > 0 || opening.Runs is null || opening.Finished)
        {
            return;
        }

        opening.Blocks.Sort((a, b) => a.First.CompareTo(b.First));
        if (opening.FindGap() is { } gap)
        {
            Trouble(opening, new CorruptDataException(opening.Manifest.Name, 0, gap), null);
            return;
        }

        opening.Finished = true;
        (int id, Topologies.StreamDefinition stream, int index) = All.First(p => p.Id == opening.Manifest.Partition);
        var log = new PartitionLog(id, opening.Manifest.Owner!.Epoch);
        var partition = new Partition(silo, id, stream, index, new ManifestWriter(silo, opening.Manifest, opening.Tag), log);
        foreach (LogBlock block in opening.Blocks)
        {
            if (block.Buffer is not null)
            {
                block.Refresh(silo.Journals);
                silo.Probe?.Refreshed(block);
            }

            log.Add(block);
            partition.Loaded(block);
        }

        partition.Checkpoints.Open(opening.Runs, opening.Waiting);
        partition.Duplicates.Load(opening.Table!, opening.Manifest.TablePosition);
        partition.HistoryEnd = log.LastOffset;
        _loading.Remove(id);
        Faults.Remove(id);
        _byId.Add(id, partition);
        _active = [.. _byId.Values];
        Learn(id, partition.Epoch, silo.Journal.Id);
        CountTakeover(opening.Manifest);

        silo.Log.Opened(silo.Name, partition.Name, partition.Epoch, partition.Checkpoints.Entries, log.EndSequence - log.FirstSequence);
        partition.Start();
        silo.AnnounceOwner(partition);
        DeleteLeftOvers(opening.Manifest);
    }

    /// <summary>What the owner before had not released is taken over because its journal was sealed.</summary>
    private void CountTakeover(PartitionManifest manifest)
    {
        if (manifest.Owners is [.., { ReleasedAt: < 0 } before, _])
        {
            string journal = silo.JournalName(before.Journal);
            foreach (RecoveryEntry entry in _following)
            {
                entry.TakenOver += entry.Journal == journal ? 1 : 0;
            }
        }
    }

    private void Trouble(Opening opening, Exception error, Action? again)
    {
        Faults[opening.Manifest.Partition] = error.Message;
        silo.Log.OpenFailed(silo.Name, opening.Manifest.Name, error);
        if (again is not null)
        {
            silo.After(error is CorruptDataException ? 5000 : silo.Options.StorageRetryMs, again);
        }
    }

    /// <summary>One journal being read, for all partitions of a wave.</summary>
    private sealed class JournalPass(int journal, Dictionary<int, Opening> readers)
    {
        public int Journal { get; } = journal;

        /// <summary>By partition.</summary>
        public Dictionary<int, Opening> Readers { get; } = readers;

        /// <summary>The blocks that are wanted. From any thread: what the readers want does not change.</summary>
        public List<FoundBlock> Find(IReadOnlyList<StoredFrame> frames)
        {
            var found = new List<FoundBlock>();
            foreach (StoredFrame frame in frames)
            {
                found.AddRange(FrameCodec.Find(
                    Journal, frame, (partition, first) => Readers.TryGetValue(partition, out Opening? reader) && reader.Wants(first, Journal, frame.Lsn)));
            }

            return found;
        }
    }

    /// <summary>A partition on its way to be served.</summary>
    private sealed class Opening(PartitionManifest manifest, string tag)
    {
        public PartitionManifest Manifest { get; } = manifest;

        public string Tag { get; } = tag;

        public List<(int Journal, int Epoch, long From, long To)> Ranges { get; } = [];

        public List<LogBlock> Blocks { get; } = [];

        /// <summary>First offsets of the blocks that were found in journals.</summary>
        public HashSet<long> Known { get; } = [];

        /// <summary>Records at or below are trimmed, or in archives.</summary>
        public long InJournalsFrom { get; } = manifest.Archives.Count == 0 ? manifest.TrimmedTo : Math.Max(manifest.TrimmedTo, manifest.Archives[^1].Last);

        public int JournalsLeft { get; set; } = 1;

        public List<CheckpointRun>? Runs { get; set; }

        /// <summary>Grains that wait for something.</summary>
        public List<(int Operator, byte[] Key)> Waiting { get; set; } = [];

        public ProducerTable? Table { get; set; }

        public bool Finished { get; set; }

        /// <summary>Takes a block, unless it is trimmed, archived, or was found in another journal.</summary>
        public void Add(FoundBlock found)
        {
            if (found.Block.LastOffset > InJournalsFrom && Known.Add(found.Block.First.Value))
            {
                Blocks.Add(found.Load());
            }
        }

        public bool Wants(Offset first, int journal, long lsn) => Ranges.Any(r => r.Journal == journal && r.Epoch == first.Epoch && lsn >= r.From && lsn <= r.To);

        /// <summary>Whether records are missing between those that were found.</summary>
        public string? FindGap()
        {
            long previous = Manifest.TrimmedTo;
            foreach (LogBlock block in Blocks)
            {
                bool follows = block.First.Value <= previous + 1
                    || (block.First.Number == 0 && block.First.Epoch > new Offset(previous).Epoch);
                if (!follows)
                {
                    return $"records are missing between {new Offset(previous)} and {block.First}";
                }

                previous = block.LastOffset;
            }

            return null;
        }
    }
}
