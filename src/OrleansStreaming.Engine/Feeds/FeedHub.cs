using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>The partitions of one feed that the silos of this process serve. Thread-safe.</summary>
internal sealed class FeedHub : IFeeds
{
    private readonly ConcurrentDictionary<int, FeedChannel> _channels = new();

    /// <summary>A partition has come or gone. Raised on a silo's loop: whoever listens returns at once.</summary>
    public event Action? Changed;

    /// <summary>Those that are served here now.</summary>
    public IReadOnlyCollection<FeedChannel> Channels => [.. _channels.Values];

    /// <summary>A partition, see <see cref="PartitionId"/>; null when it is not served here.</summary>
    public FeedChannel? Find(int partition) => _channels.GetValueOrDefault(partition);

    void IFeeds.Opened(FeedChannel channel)
    {
        _channels[channel.Partition] = channel;
        Changed?.Invoke();
    }

    void IFeeds.Closed(FeedChannel channel)
    {
        // The next owner may be a silo of this process, and sooner.
        if (_channels.TryRemove(KeyValuePair.Create(channel.Partition, channel)))
        {
            Changed?.Invoke();
        }
    }
}
