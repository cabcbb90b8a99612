namespace OrleansStreaming.Core;

/// <summary>Claims partitions: seal, apply seals, swap the manifest with a higher epoch, and only then read.</summary>
internal sealed partial class Ownerships
{
    private readonly HashSet<int> _claiming = [];

    /// <summary>Partitions that a claim was sent for and never answered: this silo may own them without knowing.</summary>
    private readonly HashSet<int> _unclear = [];
    private readonly List<(PartitionManifest Manifest, string Tag)> _claimed = [];

    private void Claim(int partition)
    {
        if (_byId.ContainsKey(partition) || _loading.ContainsKey(partition) || _claimed.Exists(c => c.Manifest.Partition == partition)
            || !_claiming.Add(partition))
        {
            return;
        }

        string name = NameOf(partition), record = PartitionManifest.RecordName(name);
        silo.Submit(new Request<StoredRecord?>(
            $"read {record}",
            (storage, cancel) => storage.ReadRecordAsync(record, cancel),
            (stored, error) =>
            {
                if (error is not null)
                {
                    _claiming.Remove(partition);
                    silo.Log.StorageFailed(silo.Name, record, error);
                    Faults[partition] = error.Message;
                    return;
                }

                Faults.Remove(partition);

                PartitionManifest manifest = stored is null
                    ? new PartitionManifest { Partition = partition, Name = name }
                    : PartitionManifest.Parse(record, stored.Content.Span);
                if (manifest.Owner is { ReleasedAt: < 0 } mine && mine.Journal == silo.Journal.Id)
                {
                    // An earlier claim of this silo took effect, but nobody told it.
                    _claiming.Remove(partition);
                    _unclear.Remove(partition);
                    silo.Probe?.Claimed(partition, mine.Epoch);
                    _claimed.Add((manifest, stored!.Tag));
                    return;
                }

                if (!IsFree(manifest))
                {
                    _claiming.Remove(partition);
                    if (manifest.Owner is { } owner && !manifest.IsReleased)
                    {
                        _unclear.Remove(partition); // Another claim fences a late one of this silo.
                        Learn(partition, owner.Epoch, owner.Journal);
                    }

                    return;
                }

                if (!IsDesired(partition))
                {
                    _claiming.Remove(partition);
                    return;
                }

                Swap(manifest, stored?.Tag);
            }));
    }

    /// <summary>Nobody owns it, and every journal that it may lie in has a known name and end.</summary>
    private bool IsFree(PartitionManifest manifest) =>
        manifest.ReleaseSealVersion <= silo.SealVersion
        && manifest.Owners.All(o => o.Journal < silo.Cluster.Journals.Count && (o.ReleasedAt >= 0 || silo.Journals.IsSealed(o.Journal)));

    private bool IsDesired(int partition) => silo.IsPlacedHere(Ordinal(partition)) && silo.Phase == SiloPhase.Running;

    /// <summary>What was read is what is claimed; the write fences every older one.</summary>
    private void Swap(PartitionManifest read, string? tag)
    {
        int partition = read.Partition;
        string record = PartitionManifest.RecordName(read.Name);
        var owner = new Ownership((read.Owner?.Epoch ?? 0) + 1, silo.Journal.Id, silo.Journal.NextLsn);
        PartitionManifest claimed = read with { Owners = [.. read.Owners, owner], Version = read.Version + 1, Write = 0 };
        byte[] bytes = claimed.ToBytes();
        silo.Submit(new Request<(PartitionManifest? Manifest, string? Tag)>(
            $"claim {record}",
            async (storage, cancel) =>
            {
                try
                {
                    if (Mutations.ClaimBlindly)
                    {
                        tag = (await storage.ReadRecordAsync(record, cancel).ConfigureAwait(false))?.Tag;
                    }

                    string? newTag = await storage.SwapRecordAsync(record, tag, bytes, cancel).ConfigureAwait(false);
                    return (newTag is null ? null : claimed, newTag);
                }
                catch (StorageException e) when (e.Ambiguous)
                {
                    // Never guess: read what is there. If it is not there, it may still come.
                    StoredRecord? now = await storage.ReadRecordAsync(record, cancel).ConfigureAwait(false);
                    PartitionManifest? found = now is null ? null : PartitionManifest.Parse(record, now.Content.Span);
                    if (found?.Owner == owner)
                    {
                        return (found, now!.Tag);
                    }

                    throw;
                }
            },
            (result, error) =>
            {
                _claiming.Remove(partition);
                if (error is not null)
                {
                    silo.Log.StorageFailed(silo.Name, record, error);
                    _unclear.Add(partition);
                }
                else if (result.Manifest is not null)
                {
                    silo.Probe?.Claimed(partition, owner.Epoch);
                    _claimed.Add((result.Manifest, result.Tag!));
                }
            }));
    }
}
