using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming;

/// <summary>A graceful stop leaves nothing to recover.</summary>
public sealed partial class StreamingEngine
{
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return; // To stop at once is what was asked for.
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Options.DrainTimeout);
        long started = _time.GetTimestamp();
        string step = "leave the cluster";
        try
        {
            bool othersStay = await _cluster.LeaveAsync(limit.Token).ConfigureAwait(false);
            if (!othersStay)
            {
                step = "process what there is";
                await WhenQuietAsync(limit.Token).ConfigureAwait(false);
            }

            foreach (StopStep next in othersStay ? StopStep.WhereOthersStay : StopStep.WhereNobodyStays)
            {
                step = next.What;
                if (next.IsLast)
                {
                    Array.ForEach(_hosts, static h => h.StayDown());
                }

                await EverywhereAsync(next.Take, limit.Token).ConfigureAwait(false);
                if (next.Meets != StopStage.Working)
                {
                    step = $"wait for the others to {next.What}";
                    await _cluster.MeetAsync(next.Meets, limit.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            string[] why = await Task.WhenAll(_hosts.Select(h => h.LookAsync(Unfinished))).ConfigureAwait(false);
            NotDrained(_logger, _time.GetElapsedTime(started).TotalSeconds, step, string.Join("; ", why));
        }
    }

    /// <summary>What a silo has not done, for people.</summary>
    private static string Unfinished(Silo silo)
    {
        var parts = new List<string> { $"{silo.Name} {silo.Phase}" };
        parts.AddRange(silo.Outbox.Waits.Take(5).Select(w => $"{w.Batches} sends to {silo.Ownerships.NameOf(w.Partition)} unacknowledged"));
        parts.AddRange(silo.Ownerships.Active.Where(p => p.HasWork || !p.IsSettled).Take(5).Select(p => $"{p.Name} has work"));
        parts.AddRange(silo.Ownerships.Active.Where(p => p.Move.Phase != MovePhase.None).Take(5).Select(p => $"{p.Name} is {p.Move.Phase}"));
        parts.AddRange(silo.Ownerships.All.Where(p => silo.Ownerships.Find(p.Id) is null && silo.Ownerships.OwnerOf(p.Id).Journal < 0).Take(5).Select(p => $"{silo.Ownerships.NameOf(p.Id)} has no owner"));
        return string.Join(", ", parts);
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
