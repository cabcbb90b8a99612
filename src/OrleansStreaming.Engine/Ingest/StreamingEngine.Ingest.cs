using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>The edge: events in. Only here is anything refused; whatever was taken is stored, and comes through.</summary>
public sealed partial class StreamingEngine
{
    internal const int MaxProducerBytes = 128;
    private static readonly TimeSpan OwnerWait = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);
    private const int TriesPerRefresh = 20;
    private static readonly TimeSpan BusyLimit = TimeSpan.FromSeconds(5);

    /// <summary>Publishes events and returns when they are durable. They may be published twice if the process fails before it returns: see the other overload.</summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="stream">The stream.</param>
    /// <param name="events">The events; those of one partition are stored together or not at all.</param>
    /// <param name="cancellationToken">Stops waiting; the events may be stored or not.</param>
    /// <exception cref="ArgumentException">There is no such stream, or it does not carry the type.</exception>
    /// <exception cref="FormatException">A key cannot be used; nothing was stored.</exception>
    public Task<IngestAnswer> PublishAsync<TEvent>(string stream, IEnumerable<TEvent> events, CancellationToken cancellationToken = default) =>
        PublishAsync(stream, events, null, 0, cancellationToken);

    /// <summary>As the other, for events that lie side by side in memory; they may be overwritten once it has returned, whether or not it has ended.</summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="stream">The stream.</param>
    /// <param name="events">The events; those of one partition are stored together or not at all.</param>
    /// <param name="cancellationToken">Stops waiting; the events may be stored or not.</param>
    /// <exception cref="ArgumentException">There is no such stream, or it does not carry the type.</exception>
    /// <exception cref="FormatException">A key cannot be used; nothing was stored.</exception>
    public Task<IngestAnswer> PublishAsync<TEvent>(string stream, ReadOnlySpan<TEvent> events, CancellationToken cancellationToken = default)
    {
        (StreamDefinition definition, EventType<TEvent> type) = Find<TEvent>(stream);
        IngestEncoder encoder = IngestEncoder.Take(definition, [], 0);
        foreach (ref readonly TEvent value in events)
        {
            encoder.Add(type, in value);
        }

        return IngestAsync(encoder, cancellationToken);
    }

    /// <summary>Publishes events exactly once: a call that is repeated with the same producer and sequence stores nothing twice.</summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="stream">The stream.</param>
    /// <param name="events">The events; a repeat must have the same ones in the same order.</param>
    /// <param name="producer">Identifies the caller, at most 128 bytes of UTF-8; null for none.</param>
    /// <param name="sequence">Above zero; grows from call to call; one call at a time per producer.</param>
    /// <param name="cancellationToken">Stops waiting; the events may be stored or not.</param>
    /// <exception cref="ArgumentException">There is no such stream, or it does not carry the type.</exception>
    /// <exception cref="FormatException">A key cannot be used; nothing was stored.</exception>
    public Task<IngestAnswer> PublishAsync<TEvent>(string stream, IEnumerable<TEvent> events, string? producer, long sequence, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (producer is not null)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sequence);
            if (System.Text.Encoding.UTF8.GetByteCount(producer) is 0 or > MaxProducerBytes || producer[0] == '\0')
            {
                throw new ArgumentException($"A producer is identified by 1 to {MaxProducerBytes} bytes of UTF-8.", nameof(producer));
            }
        }

        (StreamDefinition definition, EventType<TEvent> type) = Find<TEvent>(stream);
        IngestEncoder encoder = IngestEncoder.Take(definition, ProducerId(producer), sequence);
        foreach (TEvent value in events)
        {
            encoder.Add(type, in value);
        }

        return IngestAsync(encoder, cancellationToken);
    }

    private (StreamDefinition Stream, EventType<TEvent> Type) Find<TEvent>(string stream)
    {
        StreamDefinition definition = Topology.FindStream(stream) is { Internal: false } found ? found : throw new ArgumentException($"There is no stream '{stream}'.", nameof(stream));
        return (definition, definition.Find<TEvent>() ?? throw new ArgumentException($"Stream '{stream}' does not carry {typeof(TEvent).Name}.", "events"));
    }

    internal static byte[] ProducerId(string? producer) => producer is null ? [] : System.Text.Encoding.UTF8.GetBytes(producer);

    /// <summary>Stores what was encoded; ends when it is durable. The encoder must not be used any more.</summary>
    internal Task<IngestAnswer> IngestAsync(IngestEncoder events, CancellationToken cancellationToken) => IngestRound.SendAsync(events, this, cancellationToken);

    /// <summary>Stores what has not been stored by the first try.</summary>
    internal async Task<IngestAnswer> FinishAsync(IngestRound round, CancellationToken cancellationToken)
    {
        IngestEncoder.Part[] parts = round.Parts.ToArray();
        IngestResult[] results = await Task.WhenAll(parts.Select(async part => await SettleAsync(part.Result, cancellationToken).ConfigureAwait(false)
            ?? await IngestPartAsync(part, round.Producer, round.Sequence, null, 0, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
        long started = _time.GetTimestamp();
        while (results.Any(r => r.Appended > 0) && results.Any(r => r.Status == IngestStatus.Busy) && _time.GetElapsedTime(started) < BusyLimit)
        {
            // A part has been taken, so the rest should not be refused lightly.
            await Task.Delay(BusyWait, _time, cancellationToken).ConfigureAwait(false);
            results = await Task.WhenAll(parts.Select((p, i) => results[i].Status == IngestStatus.Busy
                ? IngestPartAsync(p, round.Producer, round.Sequence, null, 0, cancellationToken)
                : Task.FromResult(results[i]))).ConfigureAwait(false);
        }

        IngestOutcome outcome = results.Any(r => r.Status == IngestStatus.TooManyProducers) ? IngestOutcome.TooManyProducers
            : results.Any(r => r.Status == IngestStatus.Busy) ? IngestOutcome.Busy
            : IngestOutcome.Durable;
        return new IngestAnswer(outcome, results.Sum(r => r.Appended));
    }

    /// <summary>Stores the events of one partition, through whatever happens to its owner.</summary>
    internal async Task<IngestResult> IngestPartAsync(IngestEncoder.Part part, byte[] producer, long sequence, long? previous, long last, CancellationToken cancellationToken)
    {
        for (int tries = 0; ; tries++)
        {
            ISiloLink owner = await OwnerAsync(part.Partition, tries, cancellationToken).ConfigureAwait(false);
            var answer = new TaskCompletionSource<IngestResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            owner.Ingest(part.ToBatch(producer, sequence, previous, last, result => answer.TrySetResult(result)));
            IngestResult result = await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (await SettleAsync(result, cancellationToken).ConfigureAwait(false) is { } settled)
            {
                return settled;
            }
        }
    }

    /// <summary>What an answer comes to; null when the events must be sent again.</summary>
    private async ValueTask<IngestResult?> SettleAsync(IngestResult result, CancellationToken cancellationToken)
    {
        switch (result.Status)
        {
            case IngestStatus.NotHere:
                await Task.Delay(OwnerWait, _time, cancellationToken).ConfigureAwait(false);
                return null;
            case IngestStatus.Unknown:
                // The silo that had appended it is gone. Its seal tells whether the events survived.
                return result.Lsn <= await _seals.EndOfAsync(result.Journal, cancellationToken).ConfigureAwait(false)
                    ? new IngestResult(IngestStatus.Durable, result.Appended)
                    : null;
            default:
                return result;
        }
    }

    /// <summary>The silo that serves a partition; waits while there is none.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="tries">How often the one that was found did not serve it: what is known may be out of date.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<ISiloLink> OwnerAsync(int partition, int tries, CancellationToken cancellationToken)
    {
        for (; ; tries++)
        {
            if (tries % TriesPerRefresh == 1)
            {
                LookForOwner(partition);
            }

            if (Stopping.IsCancellationRequested)
            {
                throw new InvalidOperationException("The engine has stopped.");
            }

            if (FindOwner(partition) is { } owner)
            {
                return owner;
            }

            await Task.Delay(OwnerWait, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What is known of a partition's owner may be out of date: ask storage.</summary>
    private void LookForOwner(int partition) => _hosts[0].Current?.Post(silo => silo.Ownerships.Refresh(partition));

    /// <summary>The silo that serves a partition at the moment, if any.</summary>
    internal ISiloLink? FindOwner(int partition)
    {
        SiloIncarnation? any = null;
        foreach (SiloHost host in _hosts)
        {
            if (host.Current is { } incarnation)
            {
                any = incarnation;
                if (incarnation.Silo.Ownerships.Serves(partition))
                {
                    return incarnation;
                }
            }
        }

        return _cluster.HasOthers && any is not null && any.Silo.Ownerships.TryFindOwner(partition, out int journal) ? _cluster.Find(journal) : null;
    }
}
