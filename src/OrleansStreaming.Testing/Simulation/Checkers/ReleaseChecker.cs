using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>I2: nothing released outside (to a sink, as the answer of a stable read, to a reader of a strict stream) depends on a lost record.</summary>
internal sealed class ReleaseChecker(Oracle oracle) : Checker(oracle, "I2")
{
    /// <summary>All that something released depends on.</summary>
    private readonly RecordSet _released = new();

    /// <summary>A sink gets a record.</summary>
    public void ToSink(SimulatedSilo silo, SinkDefinition sink, OracleRecord record)
    {
        if (FirstUnstored(record.Dependencies) is { } missing)
        {
            Fail($"{silo.Label}: {record} is released to {sink.Name}, but depends on {missing}, which is not in storage");
        }

        _released.AddAll(record.Dependencies);
    }

    /// <summary>A grain gets a record of a strict stream.</summary>
    public void ToStrictReader(SimulatedSilo silo, OracleRecord record)
    {
        if (FirstUnstored(record.Dependencies) is { } missing)
        {
            Fail($"{silo.Label}: {record} of a strict stream is delivered, but depends on {missing}, which is not in storage");
        }
    }

    /// <summary>A checkpoint is committed: recovery will start from it.</summary>
    public void Committed(SimulatedSilo silo, OperatorHost host, GrainVersion version)
    {
        if (FirstUnstored(version.Dependencies) is { } missing)
        {
            Fail($"{silo.Label}: a checkpoint of {host.Type.Definition.Name} at {new Offset(version.Position)} is committed, but depends on {missing}, which is not in storage");
        }

        _released.AddAll(version.Dependencies);
    }

    /// <summary>A stable read is answered with one of some versions that look the same.</summary>
    public void ToReader(SimulatedSilo silo, OperatorDefinition op, Offset at, IReadOnlyList<RecordSet> versions)
    {
        if (versions.All(v => FirstUnstored(v) is not null))
        {
            Fail($"{silo.Label} answers a stable read of {op.Name} at {at} with what depends on {FirstUnstored(versions[^1])}, which is not in storage");
        }
    }

    /// <summary>What was released depends on nothing that has been lost since.</summary>
    public void CheckReleased()
    {
        if (Oracle.LostAtAll(_released) is int lost and >= 0)
        {
            Fail($"something was released that depends on lost {Oracle.Records[lost]}");
        }
    }

    private OracleRecord? FirstUnstored(RecordSet dependencies) => dependencies.Without(Oracle.Stored) is int missing and >= 0 ? Oracle.Records[missing] : null;
}
