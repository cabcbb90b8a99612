using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Watches one silo incarnation for the oracle. This file follows records and messages; the other one grains.</summary>
internal sealed partial class OracleProbe(Oracle oracle, SimulatedSilo silo) : SiloProbe
{
    private static readonly RecordSet Nothing = new();
    private readonly Dictionary<LogBlock, List<(RecordSet Dependencies, int Slot)>> _sends = [];

    /// <summary>What the next record depends on that a grain of another silo or of this one makes.</summary>
    private RecordSet _origin = Nothing;

    public override void Appended(Partition partition, LogBlock block, long offset, in Row row, CausalityVector? vector)
    {
        RecordSet? from = row.Producer is ProducerKind.Grain or ProducerKind.Self ? _origin : null;
        if (row.Kind == RecordKind.Decision && oracle.Find(partition.Id, row.Name.Input) is { } decided)
        {
            from = RecordSet.Union(from, decided.Dependencies);
        }

        oracle.Appended(silo, partition, block, offset, in row, from);
    }

    public override void WritingSelf(Partition partition, int operatorId, Grain grain)
    {
        OperatorHost host = partition.HostOf(operatorId)!;
        _origin = Standing(host, grain).Dependencies;
    }

    public override void Sending(LogBlock waiting, in Row row)
    {
        if (!_sends.TryGetValue(waiting, out List<(RecordSet, int)>? rows))
        {
            _sends.Add(waiting, rows = []);
        }

        rows.Add((_origin, row.Slot));
    }

    public override void Transmitting(DataMessage message, LogBlock waiting) => oracle.Messages[message] = (this, waiting);

    public override void Receiving(DataMessage message, int index)
    {
        (OracleProbe sender, LogBlock waiting) = oracle.Messages[message];
        _origin = sender._sends[waiting][index].Dependencies;
    }

    public override void TakingBack(LogBlock waiting, int index) => _origin = _sends[waiting][index].Dependencies;

    public override void Dropped(int fromJournal, in Row row) => oracle.Orphans.Dropped(silo, fromJournal, _origin);

    public override void Refreshed(LogBlock block)
    {
        if (!_sends.TryGetValue(block, out List<(RecordSet Dependencies, int Slot)>? rows))
        {
            oracle.Orphans.CheckVoid(silo, block);
            return;
        }

        foreach ((RecordSet dependencies, int slot) in rows)
        {
            oracle.Orphans.CheckSend(silo, dependencies, block.IsVoid(slot));
        }
    }

    public override void Releasing(Topologies.SinkDefinition sink, Partition partition, LogBlock block, in Row row, long offset)
    {
        if (oracle.Find(partition.Id, offset) is { } record)
        {
            oracle.Release.ToSink(silo, sink, record);
        }
        else
        {
            oracle.Seals.Unknown(silo, partition.Id, offset);
        }
    }

    public override void SealApplied(Seal seal, int version)
    {
        oracle.World.Totals.SealsApplied++;
        oracle.World.Trace($"{silo.Label} has applied the seal of J{seal.Journal} at {seal.End} (R{version})");
        foreach (Partition partition in silo.Silo.Ownerships.Active)
        {
            for (long s = partition.Log.FirstSequence; s < partition.Log.EndSequence; s++)
            {
                oracle.Orphans.CheckVoid(silo, partition.Log[s]);
            }

            foreach (OperatorHost host in partition.Hosts)
            {
                host.Grains.Sweep(0, int.MaxValue, grain => CheckGrain(host, grain));
            }
        }
    }

    public override void Claimed(int partition, int epoch) => oracle.World.Claimed(silo, partition);
}
