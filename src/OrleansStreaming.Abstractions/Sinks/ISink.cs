namespace OrleansStreaming;

/// <summary>
/// Takes the events of a stream out of the system, one partition at a time, in order. Only stable events arrive: what a
/// sink has seen is never rolled back.
/// </summary>
/// <typeparam name="TEvent">A type that the stream carries.</typeparam>
/// <remarks>
/// Exactly once needs the sink's help in one of two ways. <b>Transactional:</b> store <see cref="SinkBatch{T}.To"/> with
/// the data, on condition that the stored position is <see cref="SinkBatch{T}.From"/>, and return it from
/// <see cref="OpenAsync"/>. <b>Idempotent:</b> return null from <see cref="OpenAsync"/> and use
/// <see cref="SinkEvent{T}.Name"/> as the key of the write.
/// Calls for one partition never overlap within a silo; those of different partitions do.
/// </remarks>
public interface ISink<TEvent>
{
    /// <summary>Called when a silo becomes the owner of a partition, before the first write, and again after a failed write.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="cancellationToken">Cancelled when the silo stops.</param>
    /// <returns>The position stored with the data; <see cref="Offset.None"/> when nothing is stored; null when the sink stores none.</returns>
    ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken);

    /// <summary>Writes a batch. A throw means that it may or may not have been written: the sink is opened again and the batch retried.</summary>
    /// <param name="batch">Never empty.</param>
    /// <param name="cancellationToken">Cancelled when the silo stops.</param>
    /// <exception cref="SinkFencedException">The stored position is not <see cref="SinkBatch{T}.From"/>: another owner has written.</exception>
    ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken);
}

/// <summary>The partition that a sink is opened for.</summary>
/// <param name="Sink">The sink's name.</param>
/// <param name="Stream">The stream's name.</param>
/// <param name="Index">The partition's index in its stream, from 0.</param>
/// <param name="OwnershipEpoch">Grows with every owner; a sink may use it to refuse older ones.</param>
public sealed record SinkPartition(string Sink, string Stream, int Index, int OwnershipEpoch)
{
    /// <summary>
    /// Identifies the deployment; empty when it is not known. A sink that stores positions uses it to refuse those of
    /// another deployment, whose offsets stand for other events.
    /// </summary>
    public string Deployment { get; init; } = "";
}

/// <summary>Consecutive events of one partition.</summary>
/// <typeparam name="TEvent">The event type.</typeparam>
/// <param name="Partition">The partition.</param>
/// <param name="From">The position that must be the stored one.</param>
/// <param name="To">The position after this batch.</param>
/// <param name="Events">The events; valid until the write returns.</param>
public sealed record SinkBatch<TEvent>(SinkPartition Partition, Offset From, Offset To, IReadOnlyList<SinkEvent<TEvent>> Events);

/// <summary>One event that leaves the system.</summary>
/// <typeparam name="TEvent">The event type.</typeparam>
/// <param name="Event">The event.</param>
/// <param name="Offset">Its position in the partition. A repeat after a failure has the same <see cref="Name"/>, but perhaps another offset.</param>
/// <param name="Name">Unique in the partition and the same whenever the event is produced again. Text on demand; may be kept.</param>
/// <param name="Time">The time of the event that it stems from.</param>
public readonly record struct SinkEvent<TEvent>(TEvent Event, Offset Offset, EventName Name, DateTimeOffset Time);

/// <summary>Another owner of the partition has written to the sink; this one must read its position again.</summary>
public sealed class SinkFencedException(string message) : Exception(message);
