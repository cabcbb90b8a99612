namespace OrleansStreaming.Core;

/// <summary>Registers the journal of this incarnation.</summary>
internal sealed partial class Silo
{
    private void Register() => Submit(new Request<(ClusterRecord? Record, int Journal, IJournalWriter? Writer)>(
        "register the journal",
        async (storage, cancel) =>
        {
            StoredRecord? stored = await storage.ReadRecordAsync(ClusterRecord.RecordName, cancel).ConfigureAwait(false);
            ClusterRecord record = ClusterRecord.Parse(stored);
            int epoch = 1 + record.Journals.Where(j => j.Silo == Name).Select(j => j.Epoch).DefaultIfEmpty(0).Max();
            var next = new ClusterRecord { Journals = [.. record.Journals, new JournalInfo(Name, epoch) { Host = Options.Host }], Seals = record.Seals };
            if (await storage.SwapRecordAsync(ClusterRecord.RecordName, stored?.Tag, next.ToBytes(), cancel).ConfigureAwait(false) is null)
            {
                return default;
            }

            int journal = next.Journals.Count - 1;
            return (next, journal, await storage.CreateJournalAsync(next.NameOf(journal), cancel).ConfigureAwait(false));
        },
        (registered, error) =>
        {
            if (error is not null || registered.Record is null)
            {
                if (error is not null)
                {
                    Log.StorageFailed(Name, ClusterRecord.RecordName, error);
                    ReportStorageTrouble(ClusterRecord.RecordName, error);
                }

                After(Options.StorageRetryMs, Register);
                return;
            }

            ReportStorageTrouble(ClusterRecord.RecordName, null);
            Cluster = registered.Record;
            _writer = registered.Writer;
            Journal = new Journal(registered.Journal, Cluster.NameOf(registered.Journal), Journals, Options);
            foreach (Seal seal in Cluster.Seals)
            {
                Journals.Seal(seal.Journal, seal.End);
                SealVersion++;
            }

            Phase = SiloPhase.Running;
            Log.Joined(Name, Journal.Name, SealVersion);
            Ports.RecordRead(Cluster);
            Ports.Joined(Journal.Id);
            Poll();
        }));
}
