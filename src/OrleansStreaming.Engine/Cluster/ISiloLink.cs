using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>The way to a silo, in this process or another. Thread-safe; nothing waits.</summary>
internal interface ISiloLink
{
    /// <summary>Sends a message; it may be lost.</summary>
    void Send(SiloMessage message);

    /// <summary>Hands over events for one partition; answered once, also when the silo is gone.</summary>
    void Ingest(IngestBatch batch);

    /// <summary>Hands over events for several partitions, which the silo takes in one step.</summary>
    void Ingest(List<IngestBatch> batches);

    /// <summary>Asks for a state; answered once.</summary>
    void Read(StateQuery query);

    /// <summary>The keys of all grains of an operator in a partition; null when the silo does not serve it.</summary>
    Task<IReadOnlyCollection<byte[]>?> KeysAsync(OperatorDefinition definition, int partition, CancellationToken cancellationToken);
}
