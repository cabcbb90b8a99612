using Orleans.Streams;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>The queues of a silo are the partitions that it serves: nothing is balanced here. Thread-safe.</summary>
internal sealed class QueueBalancer(FeedHub hub, ProviderLog log) : IStreamQueueBalancer
{
    private readonly Lock _lock = new();
    private readonly List<IStreamQueueBalanceListener> _listeners = [];
    private bool _notifying;
    private bool _again;

    public Task Initialize(IStreamQueueMapper queueMapper)
    {
        hub.Changed += Changed;
        return Task.CompletedTask;
    }

    public Task Shutdown()
    {
        hub.Changed -= Changed;
        return Task.CompletedTask;
    }

    public IEnumerable<QueueId> GetMyQueues() => [.. hub.Channels.Select(c => StreamCatalog.QueueOf(c.Stream, c.Index))];

    public bool SubscribeToQueueDistributionChangeEvents(IStreamQueueBalanceListener observer)
    {
        lock (_lock)
        {
            if (_listeners.Contains(observer))
            {
                return false;
            }

            _listeners.Add(observer);
            return true;
        }
    }

    public bool UnSubscribeFromQueueDistributionChangeEvents(IStreamQueueBalanceListener observer)
    {
        lock (_lock)
        {
            return _listeners.Remove(observer);
        }
    }

    /// <summary>On a silo's loop, once for each partition: many changes make one notice.</summary>
    private void Changed()
    {
        lock (_lock)
        {
            _again = true;
            if (_notifying)
            {
                return;
            }

            _notifying = true;
        }

        _ = Task.Run(NotifyAsync);
    }

    private async Task NotifyAsync()
    {
        while (true)
        {
            IStreamQueueBalanceListener[] listeners;
            lock (_lock)
            {
                if (!_again)
                {
                    _notifying = false;
                    return;
                }

                _again = false;
                listeners = [.. _listeners];
            }

            foreach (IStreamQueueBalanceListener listener in listeners)
            {
                try
                {
                    await listener.QueueDistributionChangeNotification().ConfigureAwait(false);
                }
                catch (Exception e)
                {
                    log.NotNoticed(e);
                }
            }
        }
    }
}
