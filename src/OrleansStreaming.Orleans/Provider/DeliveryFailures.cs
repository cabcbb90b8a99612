using Orleans.Streams;

namespace OrleansStreaming.Clustering;

/// <summary>
/// What happens when the agent has tried for long enough. The agent would go on with the next event; the cursor does not,
/// so all that is to be decided here is whether the subscription is removed. Used by one agent.
/// </summary>
internal sealed class DeliveryFailures(Func<PartitionQueue?> queue, StreamingProviderOptions options, ProviderLog log) : IStreamFailureHandler
{
    private bool _faults;

    /// <summary>Asked right after a failure was told.</summary>
    public bool ShouldFaultSubsriptionOnError => _faults;

    public Task OnDeliveryFailure(GuidId subscriptionId, string streamProviderName, StreamId streamIdentity, StreamSequenceToken? sequenceToken)
    {
        // An agent that is told to stop gives up at its next failure, however young; and a token that is gone is nobody's failure.
        _faults = options.OnFailure == SubscriberFailure.Fault && sequenceToken is not null && queue() is { IsLeaving: false };
        if (sequenceToken is not null && queue() is { IsLeaving: false } here)
        {
            log.DeliveryFailed(here.Name, streamIdentity, subscriptionId.Guid, sequenceToken.ToString() ?? string.Empty, _faults ? "an explicit subscription is removed, an implicit one tried again" : "it is tried again");
        }

        return Task.CompletedTask;
    }

    public Task OnSubscriptionFailure(GuidId subscriptionId, string streamProviderName, StreamId streamIdentity, StreamSequenceToken? sequenceToken)
    {
        _faults = false;
        log.SubscriptionFailed(streamProviderName, streamIdentity, subscriptionId.Guid);
        return Task.CompletedTask;
    }
}
