using Orleans.Streams;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>A queue is a partition: a stream's key falls into the one that the engine stores it in.</summary>
internal sealed class QueueMapper(StreamCatalog catalog) : IStreamQueueMapper
{
    public IEnumerable<QueueId> GetAllQueues() =>
        catalog.Streams.SelectMany(s => Enumerable.Range(0, s.PartitionCount).Select(i => StreamCatalog.QueueOf(s, i)));

    public QueueId GetQueueForStream(StreamId streamId)
    {
        var stream = catalog.Find(streamId);
        return StreamCatalog.QueueOf(stream, KeyHash.PartitionOf(KeyHash.Compute(catalog.KeyOf(stream, streamId)), stream.PartitionCount));
    }
}
