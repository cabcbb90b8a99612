using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Knows everything: every record ever appended, and all records that each stems from, one by one. It shares nothing with
/// the protocol's vectors, and checks the protocol's decisions against what really was lost.
/// </summary>
internal sealed partial class Oracle(SimulatedWorld world)
{
    private readonly List<OracleRecord> _records = [];
    private readonly Dictionary<(int Partition, long Offset), OracleRecord> _byOffset = [];
    private readonly Dictionary<(int Partition, string Key), List<OracleRecord>> _byKey = [];
    private readonly Dictionary<(int Partition, int Operator, string Key, RecordName Name), List<OracleRecord>> _outputs = [];
    private readonly Dictionary<(int Journal, long Lsn), List<OracleRecord>> _byFrame = [];
    private readonly Dictionary<string, int> _journals = [];
    private readonly Dictionary<int, (long End, RecordSet Lost)> _sealed = [];
    private readonly Dictionary<ulong, (int Partition, bool Acknowledged)> _ingested = [];
    private readonly Dictionary<ulong, List<OracleRecord>> _byEvent = [];
    private readonly Dictionary<(int Partition, int Operator, string Key, ulong Hash), List<RecordSet>> _versions = [];
    private readonly RecordSet _stored = new();

    public SimulatedWorld World => world;

    public GrainModel Model { get; } = new(world.Scenario);

    /// <summary>Messages on their way, with what they carry.</summary>
    public Dictionary<DataMessage, (OracleProbe Sender, LogBlock Waiting)> Messages { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Versions that a manifest may have committed.</summary>
    public Dictionary<(int Partition, int Operator, string Key, long Position), GrainVersion> Checkpoints { get; } = [];

    /// <summary>All that something released depends on.</summary>
    public RecordSet Released { get; } = new();

    public OracleRecord Record(int id) => _records[id];

    public OracleRecord? Find(int partition, long offset) => _byOffset.GetValueOrDefault((partition, offset));

    public void Joined(SimulatedSilo silo) => _journals[silo.Silo.Journal.Name] = silo.Journal;

    // ---------- what happens

    public void Appended(SimulatedSilo silo, Partition partition, LogBlock block, in Row row, RecordSet? from, CausalityVector? vector)
    {
        int id = _records.Count;
        var record = new OracleRecord
        {
            Id = id,
            Journal = block.Journal,
            Lsn = block.Lsn,
            Partition = partition.Id,
            Offset = block.LastOffset,
            Kind = row.Kind,
            Producer = row.Producer,
            Operator = row.OperatorId,
            Key = Convert.ToHexString(row.Key),
            ProducerKey = row.Producer == ProducerKind.Self ? Convert.ToHexString(row.Key) : Convert.ToHexString(row.ProducerKey),
            Name = row.Name,
            Payload = row.Payload.ToArray(),
            Type = row.TypeIndex,
            Time = row.Time,
            Slot = row.Slot,
            Dependencies = RecordSet.Union(from, null, id),
        };
        if (world.Tracing)
        {
            world.Trace($"{silo.Label} appends {record} {vector}");
        }

        world.Note((ulong)record.Offset);
        _records.Add(record);
        if (!_byOffset.TryAdd((record.Partition, record.Offset), record))
        {
            world.Fail("I3", $"{silo.Label} appended {record} where {_byOffset[(record.Partition, record.Offset)]} is");
        }

        Insert(ListOf(_byKey, (record.Partition, record.Key)), record);
        ListOf(_byFrame, (record.Journal, record.Lsn)).Add(record);
        if (record.Producer == ProducerKind.Grain)
        {
            ListOf(_outputs, (record.Partition, record.Operator, record.ProducerKey, record.Name)).Add(record);
        }
        else if (record.Kind == RecordKind.Event)
        {
            ListOf(_byEvent, Model.Event(record).Id).Add(record);
        }

        if (_sealed.TryGetValue(record.Journal, out (long End, RecordSet Lost) seal))
        {
            if (record.Lsn <= seal.End)
            {
                world.Fail("I6", $"{silo.Label} appended {record} below the end {seal.End} of its sealed journal");
            }

            seal.Lost.Add(id);
        }

        if (LostIn(silo, record.Dependencies) is int lost and >= 0)
        {
            world.Fail("I5", $"{silo.Label} took {record}, which depends on lost {_records[lost]}");
        }

        CheckNew(silo, record);
    }

    public void StoredFrame(string journal, long lsn)
    {
        if (_journals.TryGetValue(journal, out int id) && _byFrame.TryGetValue((id, lsn), out List<OracleRecord>? records))
        {
            foreach (OracleRecord record in records)
            {
                _stored.Add(record.Id);
            }
        }
    }

    /// <summary>A journal's end is known.</summary>
    public void Fenced(string journal, long end)
    {
        if (!_journals.TryGetValue(journal, out int id) || _sealed.ContainsKey(id))
        {
            return;
        }

        world.Totals.Seals++;
        var lost = new RecordSet();
        foreach (((int frameJournal, long lsn), List<OracleRecord> records) in _byFrame)
        {
            if (frameJournal == id && lsn > end)
            {
                records.ForEach(r => lost.Add(r.Id));
            }
        }

        _sealed.Add(id, (end, lost));
        CheckReleased();
    }

    public void Sent(PendingIngest pending)
    {
        foreach (SimulatedEvent @event in pending.Events)
        {
            _ingested.TryAdd(@event.Id, (pending.Partition, false));
        }
    }

    public void Acknowledged(PendingIngest pending)
    {
        foreach (SimulatedEvent @event in pending.Events)
        {
            _ingested[@event.Id] = (pending.Partition, true);
        }
    }

    public void Remember(OperatorHost host, Grain grain, GrainVersion version) =>
        ListOf(_versions, (host.Partition.Id, host.Id, Convert.ToHexString(grain.Key), version.State.Hash)).Add(version.Dependencies);

    // ---------- what is so

    /// <summary>A record of a set that is lost as far as a silo can know, or -1.</summary>
    public int LostIn(SimulatedSilo silo, RecordSet dependencies)
    {
        foreach ((int journal, (_, RecordSet lost)) in _sealed)
        {
            if (silo.Silo.Journals.IsSealed(journal) && dependencies.Common(lost) is int common and >= 0)
            {
                return common;
            }
        }

        return -1;
    }

    /// <summary>A record of a set that is lost, or -1.</summary>
    public int LostAtAll(RecordSet dependencies)
    {
        foreach ((_, RecordSet lost) in _sealed.Values)
        {
            if (dependencies.Common(lost) is int common and >= 0)
            {
                return common;
            }
        }

        return -1;
    }

    /// <summary>The records of a key between two offsets, both not included.</summary>
    public IEnumerable<OracleRecord> Between(int partition, string key, long after, long before)
    {
        if (_byKey.TryGetValue((partition, key), out List<OracleRecord>? records))
        {
            for (int i = records.Count - 1; i >= 0 && records[i].Offset > after; i--)
            {
                if (records[i].Offset < before)
                {
                    yield return records[i];
                }
            }
        }
    }

    /// <summary>The decisions about an event that an owner can know; those of later owners it cannot.</summary>
    public List<OracleRecord> Decisions(SimulatedSilo silo, Partition partition, OracleRecord record, int operatorId) =>
        [.. _byKey[(record.Partition, record.Key)].Where(r => new Offset(r.Offset).Epoch <= partition.Epoch && r.Kind == RecordKind.Decision && r.Operator == operatorId && r.Name.Input == record.Offset && LostIn(silo, r.Dependencies) < 0)];

    public static LogicState StateOf(OperatorHost host, Grain grain)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(16);
        host.Type.WriteState(grain.Instance, buffer);
        ReadOnlySpan<byte> bytes = buffer.WrittenSpan;
        return new LogicState(BitConverter.ToUInt64(bytes), BitConverter.ToInt32(bytes[8..]), BitConverter.ToInt32(bytes[12..]));
    }

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
