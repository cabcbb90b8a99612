namespace OrleansStreaming.Core;

/// <summary>
/// The owner's hand on the manifest of one partition: one conditional write at a time. An owner that gets no clear answer
/// reads the record again and goes on from what it reads; one that finds another owner stops.
/// </summary>
internal sealed class ManifestWriter(Silo silo, PartitionManifest current, string tag)
{
    private long _writes;
    private readonly string _record = PartitionManifest.RecordName(current.Name);

    /// <summary>As confirmed by storage.</summary>
    public PartitionManifest Current { get; private set; } = current;

    public string Tag { get; private set; } = tag;

    public bool Busy { get; private set; }

    /// <summary>A release has been sent: until a later write of its own succeeds, the owner cannot know that it still owns.</summary>
    public bool ReleaseSent { get; private set; }

    /// <summary>Writes the next version. Calls back with whether it is the current one now; when not, it may be tried again from <see cref="Current"/>.</summary>
    public void Write(PartitionManifest next, Action<bool> done)
    {
        if (Busy)
        {
            throw new ProtocolException($"two writes of the manifest of {Current.Name} at once");
        }

        next = next with { Version = Current.Version + 1, Write = ++_writes };
        Busy = true;
        ReleaseSent |= next.IsReleased;
        byte[] bytes = next.ToBytes();
        silo.Submit(new Request<string>(
            $"swap {_record}",
            async (storage, cancel) =>
            {
                string expected = Mutations.WriteBlindly ? (await storage.ReadRecordAsync(_record, cancel).ConfigureAwait(false))!.Tag : Tag;
                return await storage.SwapRecordAsync(_record, expected, bytes, cancel).ConfigureAwait(false) ?? string.Empty;
            },
            (newTag, error) =>
            {
                Busy = false;
                if (error is null && newTag!.Length > 0)
                {
                    Current = next;
                    Tag = newTag;
                    ReleaseSent = next.IsReleased;
                    done(true);
                }
                else
                {
                    if (error is not null)
                    {
                        silo.Log.StorageFailed(silo.Name, _record, error);
                    }

                    Reread(next, done);
                }
            }));
    }

    private void Reread(PartitionManifest attempted, Action<bool> done)
    {
        Busy = true;
        silo.Submit(new Request<StoredRecord?>(
            $"read {_record}",
            (storage, cancel) => storage.ReadRecordAsync(_record, cancel),
            (record, error) =>
            {
                Busy = false;
                if (error is not null || record is null)
                {
                    Busy = true;
                    silo.After(silo.Options.StorageRetryMs, () => Reread(attempted, done));
                    return;
                }

                PartitionManifest found = PartitionManifest.Parse(_record, record.Content.Span);
                bool mine = found.Owners.Any(o => o.Epoch == Current.Owner!.Epoch && o.Journal == silo.Journal.Id);
                bool released = mine && ReleaseSent && found.Owners.Any(o => o.Epoch == Current.Owner!.Epoch && o.ReleasedAt >= 0);
                if (!released && (found.Owner!.Epoch != Current.Owner!.Epoch || found.Owner.Journal != silo.Journal.Id))
                {
                    silo.Stop($"{Current.Name} has been taken over by journal {found.Owner.Journal} with ownership epoch {found.Owner.Epoch}", null);
                    return;
                }

                bool landed = released || (found.Version == attempted.Version && found.Write == attempted.Write);
                Current = found;
                Tag = record.Tag;
                ReleaseSent = released;
                done(landed);
            }));
    }
}
