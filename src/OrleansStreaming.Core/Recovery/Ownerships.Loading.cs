namespace OrleansStreaming.Core;

/// <summary>
/// Opens partitions: indexes and tables of each as soon as it has been looked at; when all of a wave are being claimed, one pass
/// over each journal for all of them.
/// </summary>
internal sealed partial class Ownerships
{
    private const int ReadBytes = 4 << 20;
    private const int LeftOversMs = 2000;

    /// <summary>By partition.</summary>
    private readonly Dictionary<int, Opening> _openings = [];

    /// <summary>Those that are claimed, or are being, and whose journals are not being read yet.</summary>
    private List<Opening> _wave = [];

    /// <summary>Journals that are being read.</summary>
    private int _passes;

    /// <summary>Claims or loads are under way.</summary>
    public bool Loading => _looking.Count > 0 || _openings.Values.Any(o => o.Stage != OpeningStage.Awaiting);

    private Opening Open(PartitionManifest looked, string? tag)
    {
        var opening = new Opening(looked, tag);
        _openings.Add(opening.Partition, opening);
        return opening;
    }

    /// <summary>Reads the checkpoints of those that wait for a seal, one after the other: the seal itself needs the disk and the processors more.</summary>
    private void ReadAhead()
    {
        IEnumerable<Opening> waiting = _openings.Values.Where(o => o.Stage == OpeningStage.Awaiting);
        if (!waiting.Any(o => o.ReadsRuns) && waiting.FirstOrDefault(o => o.NeedsRuns) is { } next)
        {
            ReadRuns(next);
        }
    }

    private void StepLoading()
    {
        if (_wave.Count > 0 && _looking.Count == 0 && _passes == 0)
        {
            List<Opening> wave = _wave;
            _wave = [];
            ReadJournals(wave);
        }
    }

    private void ReadRuns(Opening opening)
    {
        (opening.ReadsRuns, opening.RunsFailed) = (true, false);
        silo.Submit(new Request<(List<CheckpointRun>, List<(int, byte[])>, ProducerTable, List<LogBlock>)>(
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
                    table = ProducerTable.Parse(name, await storage.ReadRunAsync(name, 0, int.MaxValue, cancel).ConfigureAwait(false));
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
                opening.ReadsRuns = false;
                if (error is null)
                {
                    (List<CheckpointRun> runs, List<(int, byte[])> waiting, ProducerTable table, List<LogBlock> archived) = read;
                    opening.Took(runs, waiting, table, archived);
                    Finish(opening);
                }
                else
                {
                    opening.RunsFailed = true;
                    if (opening.Stage == OpeningStage.Claimed)
                    {
                        Trouble(opening, error);
                        Again(error, () => ReadRuns(opening));
                    }
                }

                ReadAhead();
            }));
    }

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

        // Behind claims and journals: of each partition, they take less time than those.
        foreach (Opening opening in wave)
        {
            if (opening.NeedsRuns)
            {
                ReadRuns(opening);
            }

            Finish(opening);
        }
    }

    /// <summary>Reads some of a journal, and finds there what is wanted. What follows is read while that is given out.</summary>
    private void ReadJournal(JournalPass pass, long from, long to)
    {
        string journal = silo.JournalName(pass.Journal);
        _passes++;
        silo.Submit(new Request<(IReadOnlyList<StoredFrame> Frames, List<FoundBlock> Found)>(
            $"read {journal} from {from} to {to}",
            async (storage, cancel) =>
            {
                IReadOnlyList<StoredFrame> frames = await storage.ReadFramesAsync(journal, from, to, ReadBytes, cancel).ConfigureAwait(false);
                return frames.Count > 0
                    ? (frames, pass.Find(frames))
                    : throw new CorruptDataException(journal, 0, $"expected frames {from} to {to}, found none"); // What a manifest says to need is never trimmed.
            },
            (read, error) =>
            {
                _passes--;
                if (error is not null)
                {
                    foreach (Opening opening in pass.Readers.Where(o => o.Stage == OpeningStage.Claimed))
                    {
                        Trouble(opening, error);
                    }

                    Again(error, () =>
                    {
                        if (pass.Readers.Any())
                        {
                            ReadJournal(pass, pass.NeededFrom(from), to);
                        }
                    });
                    return;
                }

                long last = read.Frames[^1].Lsn;
                if (last < to)
                {
                    ReadJournal(pass, last + 1, to);
                }

                pass.Take(read.Found);
                (read.Frames as IDisposable)?.Dispose(); // Blocks have memory of their own.
                if (last >= to)
                {
                    foreach (Opening opening in pass.Readers.ToArray())
                    {
                        opening.JournalsLeft--;
                        Finish(opening);
                    }
                }
            }));
    }

    private void Finish(Opening opening)
    {
        bool serves = opening.Stage == OpeningStage.Claimed || (Mutations.ServeUnclaimed && opening.Stage == OpeningStage.Claiming);
        if (!serves || opening.JournalsLeft > 0 || opening.Runs is null || _openings.GetValueOrDefault(opening.Partition) != opening)
        {
            return;
        }

        opening.Blocks.Sort((a, b) => a.First.CompareTo(b.First));
        if (opening.FindGap() is { } gap)
        {
            Trouble(opening, new CorruptDataException(opening.Manifest.Name, 0, gap));
            return;
        }

        (int id, Topologies.StreamDefinition stream, int index) = All.First(p => p.Id == opening.Manifest.Partition);
        var log = new PartitionLog(id, opening.Manifest.Owner!.Epoch);
        var partition = new Partition(silo, id, stream, index, new ManifestWriter(silo, opening.Manifest, opening.Tag!), log);
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
        _openings.Remove(id);
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

    private void Trouble(Opening opening, Exception error)
    {
        Faults[opening.Partition] = error.Message;
        silo.Log.OpenFailed(silo.Name, opening.Manifest.Name, error);
    }

    private void Again(Exception error, Action action) => silo.After(error is CorruptDataException ? 5000 : silo.Options.StorageRetryMs, action);
}
