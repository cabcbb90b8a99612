namespace OrleansStreaming.Core;

/// <summary>
/// Claims partitions: look at the manifest, wait until its journals are sealed and the seals applied, swap it with a higher
/// epoch. It is served only after that; what it names is read meanwhile.
/// </summary>
internal sealed partial class Ownerships
{
    /// <summary>Partitions whose manifests are being looked at.</summary>
    private readonly HashSet<int> _looking = [];

    /// <summary>Partitions that a claim was sent for and never answered: this silo may own them without knowing.</summary>
    private readonly HashSet<int> _unclear = [];

    private void Claim(int partition)
    {
        if (_openings.TryGetValue(partition, out Opening? opening))
        {
            if (opening.Stage == OpeningStage.Awaiting && IsFree(opening.Manifest) && IsDesired(partition))
            {
                Swap(opening);
            }

            return;
        }

        if (_byId.ContainsKey(partition) || !_looking.Add(partition))
        {
            return;
        }

        string name = NameOf(partition), record = PartitionManifest.RecordName(name);
        silo.Submit(new Request<StoredRecord?>(
            $"read {record}",
            (storage, cancel) => storage.ReadRecordAsync(record, cancel),
            (stored, error) =>
            {
                _looking.Remove(partition);
                if (error is not null)
                {
                    silo.Log.StorageFailed(silo.Name, record, error);
                    Faults[partition] = error.Message;
                    return;
                }

                Faults.Remove(partition);
                Judge(
                    stored is null ? new PartitionManifest { Partition = partition, Name = name } : PartitionManifest.Parse(record, stored.Content.Span),
                    stored?.Tag);
            }));
    }

    /// <summary>What is to be done about a partition whose manifest has been looked at.</summary>
    private void Judge(PartitionManifest manifest, string? tag)
    {
        int partition = manifest.Partition;
        if (manifest.Owner is { ReleasedAt: < 0 } mine && mine.Journal == silo.Journal.Id)
        {
            // An earlier claim of this silo took effect, but nobody told it.
            Opening opening = Open(manifest, tag);
            opening.Claiming(manifest);
            _wave.Add(opening);
            Claimed(opening, manifest, tag!);
            return;
        }

        if (IsFree(manifest))
        {
            if (IsDesired(partition))
            {
                Swap(Open(manifest, tag));
            }
        }
        else if (manifest.Owner is { } owner && !manifest.IsReleased)
        {
            _unclear.Remove(partition); // Another claim fences a late one of this silo.
            Learn(partition, owner.Epoch, owner.Journal);
            if (IsDesired(partition) && IsBeingSealed(manifest))
            {
                Open(manifest, tag);
                ReadAhead();
            }
        }
    }

    /// <summary>Nobody owns it, and every journal that it may lie in has a known name and end.</summary>
    private bool IsFree(PartitionManifest manifest) =>
        manifest.ReleaseSealVersion <= silo.SealVersion
        && manifest.Owners.All(o => o.Journal < silo.Cluster.Journals.Count && (o.ReleasedAt >= 0 || silo.Journals.IsSealed(o.Journal)));

    /// <summary>Its owner is dead: it will be free soon.</summary>
    private bool IsBeingSealed(PartitionManifest manifest) =>
        silo.Membership is { } view && manifest.Owners.All(o => o.ReleasedAt >= 0 || silo.Journals.IsSealed(o.Journal) || view.Dead.Contains(o.Journal));

    private bool IsDesired(int partition) => silo.IsPlacedHere(Ordinal(partition)) && silo.Phase == SiloPhase.Running;

    /// <summary>What was looked at is what is claimed; the write fences every older one.</summary>
    private void Swap(Opening opening)
    {
        PartitionManifest looked = opening.Manifest;
        string? tag = opening.Tag;
        string record = PartitionManifest.RecordName(looked.Name);
        var owner = new Ownership((looked.Owner?.Epoch ?? 0) + 1, silo.Journal.Id, silo.Journal.NextLsn);
        PartitionManifest claim = looked with { Owners = [.. looked.Owners, owner], Version = looked.Version + 1, Write = 0 };
        byte[] bytes = claim.ToBytes();
        opening.Claiming(claim);
        _wave.Add(opening);
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
                    return (newTag is null ? null : claim, newTag);
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
                if (error is not null)
                {
                    silo.Log.StorageFailed(silo.Name, record, error);
                    _unclear.Add(looked.Partition);
                    Drop(opening);
                }
                else if (result.Manifest is null)
                {
                    // Somebody wrote it since it was looked at: another silo that claimed it, or its owner as it died.
                    Drop(opening);
                    Claim(looked.Partition);
                }
                else
                {
                    Claimed(opening, result.Manifest, result.Tag!);
                }
            }));
    }

    private void Claimed(Opening opening, PartitionManifest manifest, string tag)
    {
        _unclear.Remove(manifest.Partition);
        silo.Probe?.Claimed(manifest.Partition, manifest.Owner!.Epoch);
        opening.Claimed(manifest, tag);
        if (opening is { Runs: null, ReadsRuns: false })
        {
            ReadRuns(opening);
        }

        Finish(opening);
    }

    private void Drop(Opening opening)
    {
        opening.Drop();
        _openings.Remove(opening.Partition);
        _wave.Remove(opening);
    }
}
