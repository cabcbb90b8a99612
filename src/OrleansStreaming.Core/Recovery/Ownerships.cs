using System.Collections.Concurrent;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>
/// Who owns which partition, as far as this silo knows, and those that it owns itself: claims what is its to claim, loads
/// it, gives up what belongs elsewhere. This file keeps the knowledge; the others claim, load and move.
/// </summary>
internal sealed partial class Ownerships(Silo silo)
{
    private readonly Dictionary<int, (int Epoch, int Journal)> _owners = [];
    private readonly ConcurrentDictionary<int, int> _seen = new();
    private readonly Dictionary<int, Partition> _byId = [];
    private readonly HashSet<int> _refreshing = [];
    private readonly List<RecoveryEntry> _following = [];
    private Partition[] _active = [];
    private (int Id, StreamDefinition Stream, int Index)[]? _all;

    /// <summary>The partitions that this silo serves.</summary>
    public IReadOnlyList<Partition> Active => _active;

    /// <summary>Partitions that could not be opened, and why.</summary>
    public Dictionary<int, string> Faults { get; } = [];

    /// <summary>Every partition of the topology.</summary>
    public IReadOnlyList<(int Id, StreamDefinition Stream, int Index)> All => _all ??=
        [.. silo.Topology.Streams.SelectMany(s => Enumerable.Range(0, s.PartitionCount).Select(i => (PartitionId.Of(s, i), s, i)))];

    public Partition? Find(int partition) => _byId.GetValueOrDefault(partition);

    /// <summary>Whether this silo serves a partition. From any thread.</summary>
    public bool Serves(int partition)
    {
        foreach (Partition active in Volatile.Read(ref _active))
        {
            if (active.Id == partition)
            {
                return !active.Closed;
            }
        }

        return false;
    }

    /// <summary>The journal of the silo that was last seen to own a partition; it may have gone since. From any thread.</summary>
    public bool TryFindOwner(int partition, out int journal) => _seen.TryGetValue(partition, out journal);

    /// <summary>The owner of a partition, journal -1 when it is not known.</summary>
    public (int Epoch, int Journal) OwnerOf(int partition)
    {
        if (!_owners.TryGetValue(partition, out var owner))
        {
            return (-1, -1);
        }

        return owner.Journal == silo.Journal.Id || silo.Journals.IsSealed(owner.Journal) ? (owner.Epoch, -1) : owner;
    }

    /// <summary>Takes news of an owner.</summary>
    public void Learn(int partition, int epoch, int journal)
    {
        if (!_owners.TryGetValue(partition, out var known) || epoch > known.Epoch)
        {
            _owners[partition] = (epoch, journal);
            _seen[partition] = journal;
            if (journal != silo.Journal.Id)
            {
                silo.Outbox.Reopen(partition, epoch, journal);
            }
        }
    }

    /// <summary>Asks storage who owns a partition.</summary>
    public void Refresh(int partition)
    {
        if (_byId.ContainsKey(partition) || !_refreshing.Add(partition))
        {
            return;
        }

        string record = PartitionManifest.RecordName(NameOf(partition));
        silo.Submit(new Request<StoredRecord?>(
            $"read {record}",
            (storage, cancel) => storage.ReadRecordAsync(record, cancel),
            (stored, error) =>
            {
                _refreshing.Remove(partition);
                if (error is not null || stored is null)
                {
                    return;
                }

                PartitionManifest manifest = PartitionManifest.Parse(record, stored.Content.Span);
                if (!manifest.IsReleased && !silo.Journals.IsSealed(manifest.Owner!.Journal))
                {
                    Learn(partition, manifest.Owner.Epoch, manifest.Owner.Journal);
                }
            }));
    }

    /// <summary>A partition has been released: claim it if it belongs here.</summary>
    public void Released(int partition)
    {
        int ordinal = Ordinal(partition);
        if (ordinal >= 0 && silo.IsPlacedHere(ordinal))
        {
            Claim(partition);
        }
    }

    /// <summary>Claims what belongs here and is free, gives up what belongs elsewhere.</summary>
    public void Review()
    {
        if (silo.Membership is null || silo.Phase is not (SiloPhase.Running or SiloPhase.Draining))
        {
            return;
        }

        bool runs = silo.Phase == SiloPhase.Running, keeps = silo.Membership.NobodyStays && !Mutations.MoveWhileAllStop;
        for (int i = 0; i < All.Count; i++)
        {
            int id = All[i].Id;
            bool mine = runs && silo.IsPlacedHere(i);
            if (_byId.TryGetValue(id, out Partition? partition))
            {
                if (mine || (runs && keeps))
                {
                    partition.Move.GiveUp();
                }
                else if (runs)
                {
                    partition.Move.Begin();
                }
            }
            else if (mine || _unclear.Contains(id))
            {
                Claim(id);
            }
            else if (_openings.TryGetValue(id, out Opening? opening) && opening.Stage == OpeningStage.Awaiting)
            {
                Drop(opening);
            }
        }
    }

    /// <summary>Goes on with claims, loads and moves.</summary>
    public void Step()
    {
        foreach (Partition partition in _active)
        {
            partition.Move.Step();
        }

        StepLoading();
        DeliverHeld();
        FollowRecoveries();
    }

    /// <summary>Adds what happens from now on to the report of a seal, until all is recovered.</summary>
    public void Follow(RecoveryEntry entry)
    {
        entry.Reactivated = -silo.Counters.Reactivated;
        entry.Replayed = -silo.Counters.Replayed;
        _following.Add(entry);
    }

    public string NameOf(int partition)
    {
        StreamDefinition stream = silo.Topology.Streams.First(s => s.Id == PartitionId.StreamId(partition));
        return $"{stream.Name}-{PartitionId.Index(partition)}";
    }

    /// <summary>The partition has been given up.</summary>
    public void Forget(Partition partition)
    {
        partition.Lose();
        _byId.Remove(partition.Id);
        silo.ReportStorageTrouble(partition.Name, null);
        _active = [.. _byId.Values];
    }

    private int Ordinal(int partition)
    {
        for (int i = 0; i < All.Count; i++)
        {
            if (All[i].Id == partition)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Sends of this silo to partitions that it now serves itself.</summary>
    private void DeliverHeld()
    {
        foreach (Partition partition in _active)
        {
            if (!partition.Closed && silo.Outbox.Holds(partition.Id) && partition.Duplicates.TryCatchUp())
            {
                IReadOnlyList<SendBatch> taken = silo.Outbox.TakeAll(partition.Id);
                foreach (SendBatch batch in taken)
                {
                    partition.TakeLocal(batch);
                }

                silo.Outbox.Delivered(taken);
            }
        }
    }

    private void FollowRecoveries()
    {
        if (_following.Count == 0 || Loading || _active.Any(p => p.IsRecovering))
        {
            return;
        }

        foreach (RecoveryEntry entry in _following)
        {
            entry.Reactivated += silo.Counters.Reactivated;
            entry.Replayed += silo.Counters.Replayed;
            entry.RecoveredMs = (silo.WallMicros - ((entry.Time - DateTimeOffset.UnixEpoch).Ticks / 10)) / 1000;
            silo.Log.Recovered(silo.Name, entry.Journal, entry.RolledBackCount, entry.TakenOver, entry.Replayed, entry.RecoveredMs.Value);
        }

        _following.Clear();
    }
}
