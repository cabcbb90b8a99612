using System.ComponentModel.DataAnnotations;

namespace OrleansStreaming;

/// <summary>What happens to a subscription whose subscriber keeps failing.</summary>
public enum SubscriberFailure
{
    /// <summary>The event is tried again for ever, and later ones of its stream wait. Every <c>MaxEventDeliveryTime</c> that it has failed the observer's <c>OnErrorAsync</c> is called, an error is logged, and health shows it.</summary>
    Retry = 0,

    /// <summary>After <c>MaxEventDeliveryTime</c> an explicit subscription is removed as faulted. An implicit one cannot be removed, and is retried.</summary>
    Fault = 1,
}

/// <summary>Options of a stream provider. Validated when the silo starts.</summary>
public sealed class StreamingProviderOptions
{
    /// <summary>The streams that it serves; empty for all that are declared. Events of a stream that is served are kept until its subscribers have them.</summary>
    public IList<string> Streams { get; } = [];

    /// <summary>What happens to a subscription whose subscriber keeps failing. Default: it is retried for ever.</summary>
    [EnumDataType(typeof(SubscriberFailure))]
    public SubscriberFailure OnFailure { get; set; } = SubscriberFailure.Retry;

    /// <summary>Events that are held per partition for subscribers that have not taken them. Default 4096.</summary>
    [Range(64, 1 << 20)]
    public int CacheEvents { get; set; } = 4096;

    /// <summary>Consecutive events of one stream that are handed to a subscriber with one message. Default 64.</summary>
    [Range(1, 1024)]
    public int EventsPerDelivery { get; set; } = 64;

    /// <summary>How long a partition is held up, when <see cref="CacheEvents"/> wait, by a subscriber that takes nothing; then its events are read from the log later. Default 5 s.</summary>
    public TimeSpan SlowAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a receiver waits for events before it looks whether there is anything else to do. Default 1 s; at most 30 s.</summary>
    public TimeSpan ReceiveWait { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// An event counts as delivered this long after all subscribers have it, as a subscription that is just being made may
    /// still ask for it. After a silo died, so much is delivered again. Default 2 s.
    /// </summary>
    public TimeSpan SettleAfter { get; set; } = TimeSpan.FromSeconds(2);
}
