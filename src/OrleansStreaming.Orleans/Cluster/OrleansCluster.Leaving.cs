using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>A process that stops gives its partitions to the others; where all stop together, none goes before all have come to rest.</summary>
internal sealed partial class OrleansCluster
{
    /// <summary>Processes that are stopped together are not stopped at the same moment.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TellAgain = TimeSpan.FromMilliseconds(250);

    public async ValueTask<bool> LeaveAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _leaving.Add(Host);
        }

        Publish();
        Notify(SiloNotice.Leaving, -1);
        await Task.Delay(Together, cancellationToken).ConfigureAwait(false);
        bool othersStay = Volatile.Read(ref _members).AnyStays;
        if (othersStay)
        {
            lock (_lock)
            {
                _handingOver.Add(Host);
            }

            Publish();
            Notify(SiloNotice.HandingOver, -1);
        }

        return othersStay;
    }

    public async ValueTask MeetAsync(StopStage stage, CancellationToken cancellationToken)
    {
        SiloNotice notice = stage == StopStage.Quiet ? SiloNotice.Quiet : SiloNotice.Resting;
        while (!OthersAreAt(stage))
        {
            Notify(notice, -1); // Again and again: news can be lost.
            await Task.WhenAny(Changed, Task.Delay(TellAgain, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }

        Notify(notice, -1);
    }

    /// <summary>Who stays comes to no stage, and takes over whatever is given up. Who hands over comes to none, either, and is gone soon.</summary>
    private bool OthersAreAt(StopStage stage)
    {
        lock (_lock)
        {
            return _members.Writers.Values.All(w => w.Equals(Address) || _members.Staying.Contains(w) || _stages.GetValueOrDefault(w.ToParsableString()) >= stage);
        }
    }
}
