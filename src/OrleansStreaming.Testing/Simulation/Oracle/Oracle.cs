using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Knows everything: every record ever appended, all records that each stems from, one by one, and which of them are stored
/// or lost. It shares nothing with the protocol's vectors. The checkers judge by it.
/// </summary>
internal sealed class Oracle
{
    private readonly List<OracleRecord> _records = [];
    private readonly Dictionary<(int Partition, long Offset), OracleRecord> _byOffset = [];
    private readonly Dictionary<(int Partition, int Key), List<OracleRecord>> _byKey = [];
    private readonly Dictionary<(int Partition, int Operator, int Key, RecordName Name), List<OracleRecord>> _outputs = [];
    private readonly Dictionary<(int Journal, long Lsn), List<OracleRecord>> _byFrame = [];
    private readonly Dictionary<ulong, List<OracleRecord>> _byEvent = [];
    private readonly Dictionary<string, int> _journals = [];
    private readonly List<(int Journal, long End, RecordSet Lost)> _sealed = [];
    private readonly SimulatedWorld _world;

    public Oracle(SimulatedWorld world)
    {
        _world = world;
        Reference = world.Scenario.Workload.NewReference(Keys);
        Prefix = new PrefixChecker(this);
        Release = new ReleaseChecker(this);
        Names = new NameChecker(this);
        Folds = new FoldChecker(this);
        Orphans = new OrphanChecker(this);
        Seals = new SealChecker(this);
        Retention = new RetentionChecker(this);
        Progress = new ProgressChecker(this);
        Outputs = new OutputChecker(this);
    }

    public SimulatedWorld World => _world;

    public KeyTable Keys { get; } = new();

    public Reference Reference { get; }

    public PrefixChecker Prefix { get; }

    public ReleaseChecker Release { get; }

    public NameChecker Names { get; }

    public FoldChecker Folds { get; }

    public OrphanChecker Orphans { get; }

    public SealChecker Seals { get; }

    public RetentionChecker Retention { get; }

    public ProgressChecker Progress { get; }

    public OutputChecker Outputs { get; }

    public IReadOnlyList<OracleRecord> Records => _records;

    /// <summary>Records in storage, confirmed or not.</summary>
    public RecordSet Stored { get; } = new();

    /// <summary>Journals whose end is known, with what was lost of each.</summary>
    public IReadOnlyList<(int Journal, long End, RecordSet Lost)> Sealed => _sealed;

    /// <summary>Messages on their way, with what they carry.</summary>
    public Dictionary<DataMessage, (OracleProbe Sender, LogBlock Waiting)> Messages { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Versions that a manifest may have committed.</summary>
    public Dictionary<(int Partition, int Operator, int Key, long Position), GrainVersion> Checkpoints { get; } = [];

    public OracleRecord? Find(int partition, long offset) => _byOffset.GetValueOrDefault((partition, offset));

    // ---------- what happens

    public void Joined(SimulatedSilo silo) => _journals[silo.Silo.Journal.Name] = silo.Journal;

    public void Appended(SimulatedSilo silo, Partition partition, LogBlock block, long offset, in Row row, RecordSet? from)
    {
        int id = _records.Count;
        int key = Keys.Of(row.Key);
        var record = new OracleRecord
        {
            Id = id,
            Journal = block.Journal,
            Lsn = block.Lsn,
            Partition = partition.Id,
            Offset = offset,
            Kind = row.Kind,
            Producer = row.Producer,
            Operator = row.OperatorId,
            Key = key,
            ProducerKey = row.Producer == ProducerKind.Self ? key : Keys.Of(row.ProducerKey),
            Name = row.Name,
            Payload = row.Payload.ToArray(),
            Type = row.TypeIndex,
            Time = row.Time,
            Slot = row.Slot,
            Dependencies = RecordSet.Union(from, null, id),
        };
        _world.Trace($"{silo.Label} appends {record}");
        _world.Note((ulong)record.Offset);
        _records.Add(record);
        if (!_byOffset.TryAdd((record.Partition, record.Offset), record))
        {
            Names.OffsetTaken(silo, record, _byOffset[(record.Partition, record.Offset)]);
        }

        Insert(ListOf(_byKey, (record.Partition, record.Key)), record);
        ListOf(_byFrame, (record.Journal, record.Lsn)).Add(record);
        if (record.Producer == ProducerKind.Grain)
        {
            ListOf(_outputs, (record.Partition, record.Operator, record.ProducerKey, record.Name)).Add(record);
        }
        else if (record.Kind == RecordKind.Event)
        {
            ListOf(_byEvent, IdentityOf(record)).Add(record);
        }

        foreach ((int journal, long end, RecordSet lost) in _sealed)
        {
            if (journal == record.Journal)
            {
                Seals.Appended(silo, record, end);
                lost.Add(id);
            }
        }

        Orphans.Appended(silo, record);
        Names.Appended(silo, record);
    }

    public void StoredFrame(string journal, long lsn)
    {
        if (_journals.TryGetValue(journal, out int id) && _byFrame.TryGetValue((id, lsn), out List<OracleRecord>? records))
        {
            foreach (OracleRecord record in records)
            {
                Stored.Add(record.Id);
            }
        }
    }

    /// <summary>A journal's end is known.</summary>
    public void Fenced(string journal, long end)
    {
        if (!_journals.TryGetValue(journal, out int id) || _sealed.Exists(s => s.Journal == id))
        {
            return;
        }

        _world.Totals.Seals++;
        var lost = new RecordSet();
        foreach (OracleRecord record in _records)
        {
            if (record.Journal == id && record.Lsn > end)
            {
                lost.Add(record.Id);
            }
        }

        _sealed.Add((id, end, lost));
        Release.CheckReleased();
    }

    // ---------- what is so

    /// <summary>A record of a set that is lost as far as a silo can know, or -1.</summary>
    public int LostIn(SimulatedSilo silo, RecordSet dependencies)
    {
        foreach ((int journal, _, RecordSet lost) in _sealed)
        {
            if (dependencies.Common(lost) is int common and >= 0 && silo.Silo.Journals.IsSealed(journal))
            {
                return common;
            }
        }

        return -1;
    }

    /// <summary>A record of a set that is lost, or -1.</summary>
    public int LostAtAll(RecordSet dependencies)
    {
        foreach ((_, _, RecordSet lost) in _sealed)
        {
            if (dependencies.Common(lost) is int common and >= 0)
            {
                return common;
            }
        }

        return -1;
    }

    /// <summary>All records that depend on nothing lost, partition by partition, in order.</summary>
    public List<OracleRecord> Standing() => [.. _records.Where(r => LostAtAll(r.Dependencies) < 0).OrderBy(r => r.Partition).ThenBy(r => r.Offset)];

    /// <summary>The records of a key up to an offset, in order.</summary>
    public IReadOnlyList<OracleRecord> OfKey(int partition, int key) => _byKey.GetValueOrDefault((partition, key)) ?? [];

    /// <summary>The records that were appended for one output of a grain.</summary>
    public IReadOnlyList<OracleRecord> OfOutput(int partition, int operatorId, int producerKey, RecordName name) =>
        _outputs.GetValueOrDefault((partition, operatorId, producerKey, name)) ?? [];

    /// <summary>The records that were appended for one event from outside.</summary>
    public IReadOnlyList<OracleRecord> OfEvent(ulong identity) => _byEvent.GetValueOrDefault(identity) ?? [];

    /// <summary>Tells events from outside apart: by their name, or by their content where nobody named them.</summary>
    public static ulong IdentityOf(OracleRecord record) => record.Producer == ProducerKind.None
        ? Identity(record.Partition, record.Payload)
        : Identity(record.Partition, record.ProducerKey, record.Name);

    public static ulong Identity(int partition, int producer, RecordName name) =>
        SimulationRandom.Mix(SimulationRandom.Mix((ulong)partition, (ulong)producer), SimulationRandom.Mix((ulong)name.Input, (ulong)name.Ordinal));

    public static ulong Identity(int partition, byte[] payload) => SimulationRandom.Mix((ulong)partition + 1, KeyHash.Compute(payload));

    /// <summary>The decisions about an event that an owner can know; those of later owners it cannot.</summary>
    public List<OracleRecord> Decisions(SimulatedSilo silo, Partition partition, OracleRecord record, int operatorId) =>
        [.. OfKey(record.Partition, record.Key).Where(r => new Offset(r.Offset).Epoch <= partition.Epoch && r.Kind == RecordKind.Decision && r.Operator == operatorId && r.Name.Input == record.Offset && LostIn(silo, r.Dependencies) < 0)];

    private static void Insert(List<OracleRecord> into, OracleRecord record)
    {
        int at = into.Count;
        while (at > 0 && into[at - 1].Offset > record.Offset)
        {
            at--;
        }

        into.Insert(at, record);
    }

    private static List<TValue> ListOf<TKey, TValue>(Dictionary<TKey, List<TValue>> of, TKey key)
        where TKey : notnull
    {
        if (!of.TryGetValue(key, out List<TValue>? list))
        {
            of.Add(key, list = []);
        }

        return list;
    }
}
