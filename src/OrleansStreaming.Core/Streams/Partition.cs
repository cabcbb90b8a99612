using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>
/// A partition in its owner: the log, who reads it, and who writes to it. One ordering: the order of the log is the order of
/// processing.
/// </summary>
internal sealed partial class Partition
{
    private readonly Silo _silo;
    private readonly Dictionary<int, InChannel> _in = [];
    private readonly Queue<(long Lsn, IngestBatch Batch, int Appended)> _ingests = new();

    public Partition(Silo silo, int id, StreamDefinition stream, int index, ManifestWriter manifest, PartitionLog log)
    {
        _silo = silo;
        Id = id;
        Stream = stream;
        Index = index;
        Manifest = manifest;
        Log = log;
        Epoch = manifest.Current.Owner!.Epoch;
        Duplicates = new Duplicates(silo, log);
        Checkpoints = new PartitionCheckpoints(silo, this);
    }

    public int Id { get; }

    public StreamDefinition Stream { get; }

    public int Index { get; }

    public string Name => $"{Stream.Name}-{Index}";

    /// <summary>The ownership epoch.</summary>
    public int Epoch { get; }

    public ManifestWriter Manifest { get; }

    public PartitionLog Log { get; }

    public SelfIndex Self { get; } = new();

    public Duplicates Duplicates { get; }

    public PartitionCheckpoints Checkpoints { get; }

    public OperatorHost[] Hosts { get; private set; } = [];

    public StableReader[] Sinks { get; private set; } = [];

    /// <summary>Given up: nothing of it is served any more.</summary>
    public bool Lost { get; private set; }

    /// <summary>No turn starts or ends: a planned move is under way.</summary>
    public bool TurnsStopped { get; set; }

    /// <summary>Everything that it holds has been processed and released.</summary>
    public bool IsSettled => _offered.Count == 0 && Array.TrueForAll(Hosts, h => h.IsSettled) && !Array.Exists(Sinks, s => s.HasWork || s.Phase == SinkPhase.BackingOff);

    public bool HasWork => !Lost && (Array.Exists(Hosts, static h => h.HasWork) || Array.Exists(Sinks, static s => s.HasWork));

    /// <summary>Begins to serve: the log, the index and the table have been read.</summary>
    public void Start()
    {
        IReadOnlyDictionary<int, long> committed = Manifest.Current.Committed;
        Hosts = [.. _silo.Operators.Where(o => o.Definition.From == Stream)
            .Select(o => new OperatorHost(_silo, this, o, committed.GetValueOrDefault(o.Definition.Id, Offset.None.Value)))];
        Sinks = [.. _silo.Topology.Sinks.Where(s => s.From == Stream)
            .Select(s => StableReader.Create(_silo, this, s, Manifest.Current.Sinks.GetValueOrDefault(s.Id, Offset.None.Value)))];
        foreach (OperatorHost host in Hosts)
        {
            if (!committed.ContainsKey(host.Id) && Manifest.Current.TrimmedTo >= 0)
            {
                _silo.Log.StartsLate(_silo.Name, host.Type.Definition.Name, Name, new Offset(Manifest.Current.TrimmedTo));
            }
        }

        Checkpoints.WakeGrains();
        foreach (StableReader sink in Sinks)
        {
            sink.Open();
        }
    }

    public OperatorHost? HostOf(int operatorId) => Array.Find(Hosts, h => h.Id == operatorId);

    private byte[] _loadedProducer = [];

    /// <summary>Remembers the records of a block that has been read from a journal.</summary>
    public void Loaded(LogBlock block)
    {
        if (block.Buffer is null)
        {
            return; // In an archive: every operator has passed it.
        }

        int at = 0;
        for (int i = 0; i < block.Count; i++)
        {
            at += Row.Read(block.Rows[at..], block.BaseTime, out Row row);
            Note(block, in row, block.First.Value + i);
            int source = row.Producer == ProducerKind.Grain ? _silo.SourcePartition(row.OperatorId, row.ProducerKey) : -1;
            block.NoteMaker(in row, i == 0, source, ref _loadedProducer);
        }
    }

    /// <summary>Applies a seal to what this partition holds: void records first, then the grains that depended on them.</summary>
    public void ApplySeal(RollbackReport report)
    {
        bool anyVoid = false;
        foreach (LogBlock block in Log.WithSlots)
        {
            anyVoid |= block.Refresh(_silo.Journals);
            _silo.Probe?.Refreshed(block);
        }

        if (anyVoid && !Mutations.KeepVoidNames)
        {
            Duplicates.Rebuild();
        }

        Checkpoints.ApplySeal();
        foreach (OperatorHost host in Hosts)
        {
            host.RollBackOrphans(report);
        }

        if (anyVoid && Self.AnyVoid())
        {
            foreach (OperatorHost host in Hosts)
            {
                host.ArmAgain();
            }
        }
    }

    /// <summary>The own journal is durable a little further.</summary>
    public void JournalAdvanced()
    {
        AcknowledgeIngests();
        long durable = _silo.Journal.Durable;
        foreach (InChannel channel in _in.Values)
        {
            channel.Advance(durable);
            if (channel.Changed)
            {
                _silo.MarkForAck(this);
            }
        }
    }

    /// <summary>Tells senders what has arrived.</summary>
    public void SendAcks()
    {
        foreach ((int sender, InChannel channel) in _in)
        {
            if (channel.Changed)
            {
                channel.Advance(_silo.Journal.Durable);
                channel.Changed = false;
                _silo.Ports.Send(sender, new AckMessage(
                    _silo.Journal.Id, _silo.SealVersion, _silo.Journal.Durable, Id, Epoch, channel.Next - 1, channel.DurableNumber));
            }
        }
    }

    /// <summary>Gives the partition up: a planned move is done, or the silo stops.</summary>
    public void Lose()
    {
        Lost = true;
        Closed = true;
        Checkpoints.Close();
        foreach (OperatorHost host in Hosts)
        {
            host.Abandon();
        }

        foreach (StableReader sink in Sinks)
        {
            sink.Close();
        }

        while (_ingests.TryDequeue(out var waiting))
        {
            waiting.Batch.Done(new IngestResult(IngestStatus.Unknown, waiting.Appended, -1, _silo.Journal.Id, waiting.Lsn));
        }
    }
}
