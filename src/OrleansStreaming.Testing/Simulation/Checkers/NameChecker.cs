using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>I3: every name occurs at most once, non-void, in a stream; nothing acknowledged is missing.</summary>
internal sealed class NameChecker(Oracle oracle) : Checker(oracle, "I3")
{
    private readonly Dictionary<ulong, (PendingIngest From, bool Acknowledged)> _ingested = [];

    public void OffsetTaken(SimulatedSilo silo, OracleRecord record, OracleRecord other) => Fail($"{silo.Label} appended {record} where {other} is");

    /// <summary>No second record of a name, as far as the owner can know.</summary>
    public void Appended(SimulatedSilo silo, OracleRecord record)
    {
        IReadOnlyList<OracleRecord> same = record.Producer switch
        {
            ProducerKind.Grain => Oracle.OfOutput(record.Partition, record.Operator, record.ProducerKey, record.Name),
            ProducerKind.Self => Oracle.OfKey(record.Partition, record.Key),
            _ => Oracle.OfEvent(Oracle.IdentityOf(record)),
        };
        foreach (OracleRecord other in same)
        {
            bool named = record.Producer != ProducerKind.Self
                || (other.Producer == ProducerKind.Self && other.Kind == record.Kind && other.Operator == record.Operator && other.Name == record.Name);

            // What a later owner has is nothing to one that does not know of it: what it appends is lost.
            if (named && other.Offset < record.Offset && Oracle.LostIn(silo, other.Dependencies) < 0)
            {
                Fail($"{silo.Label} took {record}, which repeats {other}");
            }
        }
    }

    /// <summary>A producer begins to send events.</summary>
    public void Sent(PendingIngest pending)
    {
        foreach (ulong identity in pending.Identities)
        {
            _ingested.TryAdd(identity, (pending, false));
        }
    }

    /// <summary>A producer holds events for safe.</summary>
    public void Acknowledged(IEnumerable<ulong> identities, PendingIngest pending)
    {
        foreach (ulong identity in identities)
        {
            _ingested[identity] = (pending, true);
        }
    }

    /// <summary>A producer is told that events are durable.</summary>
    public void ToldDurable(PendingIngest pending)
    {
        foreach (ulong identity in pending.Identities)
        {
            if (!Oracle.OfEvent(identity).Any(r => Oracle.Stored.Contains(r.Id)))
            {
                Fail($"{pending.Producer.Id} was told that {identity:x} is durable, but it is not in storage");
            }
        }
    }

    public void AnsweredTwice(PendingIngest pending, IngestResult result) => Fail($"a batch of {pending.Producer.Id} was answered twice, now {result}");

    public void SentBack(string source, string why) => Fail($"source {source} {why}");

    /// <summary>When everything has come to rest.</summary>
    public void CheckAtEnd(FinalFold fold)
    {
        var names = new Dictionary<(int, ProducerKind, RecordKind, int, int, RecordName), OracleRecord>();
        var counts = new Dictionary<ulong, int>();
        foreach (OracleRecord record in fold.Standing)
        {
            if (record.Kind == RecordKind.Event && record.Producer is ProducerKind.None or ProducerKind.External)
            {
                ulong identity = Oracle.IdentityOf(record);
                counts[identity] = counts.GetValueOrDefault(identity) + 1;
            }

            var name = (record.Partition, record.Producer, record.Kind, record.Operator, record.ProducerKey, record.Name);
            if (record.Producer != ProducerKind.None && !names.TryAdd(name, record))
            {
                Fail($"{names[name]} and {record} have the same name");
            }
        }

        foreach ((ulong identity, (PendingIngest from, bool acknowledged)) in _ingested)
        {
            int count = counts.GetValueOrDefault(identity);
            if (count > 1 || (acknowledged && count == 0))
            {
                Fail($"an event of {from.Producer.Id} for {World.PartitionName(from.Partition)} was {(acknowledged ? "acknowledged" : "sent")} and is there {count} times");
            }
        }
    }
}
