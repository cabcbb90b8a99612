using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Core;

/// <summary>Seals the journals of the dead, and applies seals.</summary>
internal sealed partial class Silo
{
    private const int MaxParked = 10_000;
    private readonly List<RecoveryEntry> _reports = [];
    private readonly Queue<SiloMessage> _parked = new();
    private readonly List<DataMessage> _held = [];
    private readonly HashSet<int> _sealing = [];
    private bool _polling;
    private long _pollingSinceMs;

    /// <summary>The journals and seals as last read.</summary>
    public ClusterRecord Cluster { get; private set; } = new();

    /// <summary>R: how many seals have been applied.</summary>
    public int SealVersion { get; private set; }

    /// <summary>What was done about failures; the last hundred. Read under lock of the list.</summary>
    public List<RecoveryEntry> Reports => _reports;

    public string JournalName(int journal) => journal >= 0 && journal < Cluster.Journals.Count ? Cluster.NameOf(journal) : $"journal {journal}";

    private void Poll()
    {
        if (Phase is SiloPhase.Running or SiloPhase.Draining)
        {
            PollSeals();
            Ownerships.Review();
            if (Journal.Durable > 0)
            {
                // A watermark can be lost, and a silo that has just come has heard none: what waits for it would wait for ever.
                Broadcast(_ => new WatermarkMessage(Journal.Id, SealVersion, Journal.Durable));
            }

            Outbox.Resend();
            ReportStuckTurns();
            LookForSlowStorage();
            TrimJournals();
            After(Options.PollMs, Poll);
        }
    }

    /// <summary>The record of journals and seals as it was read last.</summary>
    private (string? Tag, ClusterRecord Record) _polled = (null, new ClusterRecord());

    /// <summary>Reads the seals: announcements can be lost.</summary>
    public void PollSeals()
    {
        if (_polling || Mutations.NeverPoll)
        {
            return;
        }

        _polling = true;
        _pollingSinceMs = NowMs;
        Submit(new Request<StoredRecord?>(
            "read the seals",
            (storage, cancel) => storage.ReadRecordAsync(ClusterRecord.RecordName, cancel),
            (record, error) =>
            {
                _polling = false;
                ReportStorageTrouble(ClusterRecord.RecordName, error);
                if (error is not null)
                {
                    Log.StorageFailed(Name, ClusterRecord.RecordName, error);
                    return;
                }

                if (record?.Tag != _polled.Tag)
                {
                    _polled = (record?.Tag, ClusterRecord.Parse(record)); // Mostly nothing has changed since.
                    Ports.RecordRead(_polled.Record);
                }

                Cluster = _polled.Record;
                ApplySeals(Cluster.Seals);
                SealDead();
            }));
    }

    /// <summary>Seals the journals of dead silos: fence, find the end, write it down for all.</summary>
    private void SealDead()
    {
        if (Membership is not { } view || Phase is not (SiloPhase.Running or SiloPhase.Draining) || view.Live.Keys.Order(StringComparer.Ordinal).FirstOrDefault() != (view.Self ?? Name))
        {
            return;
        }

        foreach (int journal in view.Dead)
        {
            if (!Journals.IsSealed(journal) && _sealing.Add(journal))
            {
                SealOne(journal);
            }
        }
    }

    private void SealOne(int journal) => Submit(new Request<ClusterRecord>(
        $"seal {JournalName(journal)}",
        async (storage, cancel) =>
        {
            while (true)
            {
                StoredRecord? stored = await storage.ReadRecordAsync(ClusterRecord.RecordName, cancel).ConfigureAwait(false);
                ClusterRecord record = ClusterRecord.Parse(stored);
                if (record.IsSealed(journal))
                {
                    return record;
                }

                long end = await storage.SealJournalAsync(record.NameOf(journal), cancel).ConfigureAwait(false);
                var next = new ClusterRecord { Journals = record.Journals, Seals = [.. record.Seals, new Seal(journal, end)] };
                if (await storage.SwapRecordAsync(ClusterRecord.RecordName, stored?.Tag, next.ToBytes(), cancel).ConfigureAwait(false) is not null)
                {
                    return next;
                }

                // Another silo wrote down another seal meanwhile.
            }
        },
        (record, error) =>
        {
            if (error is not null)
            {
                Log.SealFailed(Name, JournalName(journal), error);
                ReportStorageTrouble($"seal {journal}", error);
                After(error is CorruptDataException ? 5000 : Options.StorageRetryMs, () =>
                {
                    _sealing.Remove(journal);
                    ReportStorageTrouble($"seal {journal}", null);
                    if (!Journals.IsSealed(journal) && Phase != SiloPhase.Stopped && _sealing.Add(journal))
                    {
                        SealOne(journal);
                    }
                });
                return;
            }

            _sealing.Remove(journal);
            ReportStorageTrouble($"seal {journal}", null);
            Cluster = record!;
            ApplySeals(record!.Seals);
            if (Phase != SiloPhase.Stopped)
            {
                Broadcast(_ => new SealsMessage(Journal.Id, SealVersion, Journal.Durable, record.Seals));
                SealDead();
            }
        }));

    private void ApplySeals(IReadOnlyList<Seal> seals)
    {
        bool any = false;
        while (SealVersion < seals.Count && Phase != SiloPhase.Stopped)
        {
            ApplySeal(seals[SealVersion]);
            any = true;
        }

        if (!any || Phase == SiloPhase.Stopped)
        {
            return;
        }

        int parked = _parked.Count;
        for (int i = 0; i < parked && Phase != SiloPhase.Stopped; i++)
        {
            Take(_parked.Dequeue());
        }

        Ownerships.Review();
    }

    /// <summary>
    /// Applies one seal, in one step before the silo's next message: from vectors alone, records beyond it become void, grains
    /// that depend on them go back, sends are purged, tables recomputed. No cascade, no second round.
    /// </summary>
    private void ApplySeal(Seal seal)
    {
        if (seal.Journal == Journal.Id)
        {
            Stop(
                Phase == SiloPhase.Draining && Ownerships.Active.Count == 0
                    ? "as it was asked to; everything is checkpointed and given up"
                    : "it finds its own journal sealed: another silo has taken its partitions over",
                null);
            return;
        }

        long started = Ports.NowMicros;
        var report = new RollbackReport(this);
        Journals.Seal(seal.Journal, seal.End);
        ReportStorageTrouble($"seal {seal.Journal}", null); // Whoever has sealed it.
        foreach (Partition partition in Ownerships.Active)
        {
            partition.ApplySeal(report);
        }

        Outbox.ApplySeals();
        SealVersion++;
        Counters.RolledBack += report.Count;
        Probe?.SealApplied(seal, SealVersion);
        var entry = new RecoveryEntry
        {
            Silo = Name,
            Journal = JournalName(seal.Journal),
            SealVersion = SealVersion,
            SealedAt = seal.End,
            Time = DateTimeOffset.UnixEpoch.AddMicroseconds(started),
            PauseMicros = Ports.NowMicros - started,
            RolledBack = report.Grains,
            RolledBackCount = report.Count,
        };
        Ownerships.Follow(entry);
        lock (_reports)
        {
            if (_reports.Count == 100)
            {
                _reports.RemoveAt(0);
            }

            _reports.Add(entry);
        }

        Log.SealApplied(report.Count > 0 ? LogLevel.Warning : LogLevel.Information, Name, entry.Journal, seal.End, SealVersion, report.Count);
    }

    private void ReportStuckTurns()
    {
        foreach (Turn turn in _turns)
        {
            if (!turn.ReportedStuck && NowMs - turn.StartedMs > turn.Host.Type.Definition.Options.TurnTimeout.TotalMilliseconds)
            {
                turn.ReportedStuck = true;
                Counters.StuckTurns++;
                Log.TurnStuck(Name, turn.Host.Type.Definition.Name, turn.Host.Type.KeyText(turn.Grain.Key), new Offset(turn.Offset), NowMs - turn.StartedMs);
            }
        }
    }
}
