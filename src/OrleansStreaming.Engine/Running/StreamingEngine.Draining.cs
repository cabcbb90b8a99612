using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming;

/// <summary>A graceful stop leaves nothing to recover.</summary>
public sealed partial class StreamingEngine
{
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Options.DrainTimeout);
        try
        {
            if (_cluster.OthersGoOn)
            {
                _cluster.Leaving(); // Their work goes on elsewhere.
            }
            else
            {
                await WhenQuietAsync(limit.Token).ConfigureAwait(false);
                await EverywhereAsync(silo => silo.CheckpointAll(), limit.Token).ConfigureAwait(false);
            }

            foreach (SiloHost host in _hosts)
            {
                host.StayDown();
            }

            if (!_cluster.OthersGoOn)
            {
                await EverywhereAsync(silo => silo.StopTurns(), limit.Token).ConfigureAwait(false);
            }

            await EverywhereAsync(silo => silo.ReleaseAll(), limit.Token).ConfigureAwait(false);
            await EverywhereAsync(
                silo =>
                {
                    silo.SealOwnJournal(); // Again and again: another silo's seal may have come between.
                    return silo.Phase == SiloPhase.Stopped;
                },
                limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                NotDrained(_logger, Options.DrainTimeout.TotalSeconds);
            }
        }
    }

    /// <summary>Asks every silo again and again until all say yes; one that is down has nothing to say.</summary>
    private async Task EverywhereAsync(Func<Silo, bool> step, CancellationToken cancellationToken)
    {
        while (true)
        {
            bool[] done = await Task.WhenAll(_hosts.Select(async h => h.Current is null || await h.AskAsync(step).ConfigureAwait(false))).ConfigureAwait(false);
            if (done.All(d => d))
            {
                return;
            }

            cancellationToken.ThrowIfCancellationRequested();
            await Task.Delay(OwnerWait, _time, cancellationToken).ConfigureAwait(false);
        }
    }
}
