using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Clustering;

/// <summary>What the stream provider logs; docs/operations.md explains each.</summary>
internal sealed partial class ProviderLog(ILogger logger)
{
    [LoggerMessage(3200, LogLevel.Debug, "Receiving partition {Partition}, epoch {Epoch}, from {Offset}")]
    public partial void Receiving(string partition, int epoch, Offset offset);

    [LoggerMessage(3201, LogLevel.Error, "Partition {Partition}: subscription {Subscription} of stream {Stream} keeps failing at {Token}; {Then}")]
    public partial void DeliveryFailed(string partition, StreamId stream, Guid subscription, string token, string then);

    [LoggerMessage(3202, LogLevel.Warning, "Provider {Provider}: subscription {Subscription} of stream {Stream} could not begin where its subscriber wants to be; the subscriber was told")]
    public partial void SubscriptionFailed(string provider, StreamId stream, Guid subscription);

    [LoggerMessage(3203, LogLevel.Warning, "Partition {Partition}: a subscriber of stream {Stream} takes nothing behind {Offset} and is left behind; it gets its events from the log when it goes on")]
    public partial void SubscriberBehind(string partition, StreamId stream, Offset offset);

    [LoggerMessage(3204, LogLevel.Error, "Partition {Partition}: events of stream {Stream} behind {Offset} that a subscriber asked for are not retained any more; it was told, and goes on with the earliest there is")]
    public partial void SubscriberLostEvents(string partition, StreamId stream, Offset offset);

    [LoggerMessage(3205, LogLevel.Warning, "Partition {Partition}: a failing subscriber of stream {Stream} behind {Offset} was not tried for minutes and is forgotten; it was perhaps a client that is gone")]
    public partial void SubscriberAbandoned(string partition, StreamId stream, Offset offset);

    [LoggerMessage(3207, LogLevel.Warning, "Partition {Partition}: the registry has {Registered} subscriptions of stream {Stream}, and the agent knows {Known}; it starts over")]
    public partial void SubscriberUnknown(string partition, StreamId stream, int registered, int known);

    [LoggerMessage(3206, LogLevel.Warning, "The pulling manager did not take a change of partitions")]
    public partial void NotNoticed(Exception exception);
}
