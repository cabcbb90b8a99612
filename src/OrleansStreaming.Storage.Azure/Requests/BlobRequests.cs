using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Makes requests: counts them, limits their number and time, and repeats those that may be repeated.</summary>
internal sealed class BlobRequests(AzureBlobStorageOptions options, RequestCounter counter) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _room = new(options.MaxParallelRequests);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Makes one request, once.</summary>
    /// <param name="kind">What it is counted as. An append waits for no room: everything else waits for it.</param>
    /// <param name="what">Said of a time-out.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="TimeoutException">There was no answer in time.</exception>
    public async Task<T> OnceAsync<T>(RequestKind kind, string what, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        bool waits = kind != RequestKind.Append;
        if (waits)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
            await _room.WaitAsync(either.Token).ConfigureAwait(false);
        }

        using var timer = new CancellationTokenSource(options.RequestTimeout, options.TimeProvider);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            _stopping.Token.ThrowIfCancellationRequested();
            counter.Add(kind);
            return await request(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && e.CancellationToken != _stopping.Token)
        {
            throw new TimeoutException($"no answer within {options.RequestTimeout.TotalSeconds:0.###} s: {what}");
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && BlobErrors.IsStoreError(e))
        {
            throw new OperationCanceledException(cancellationToken); // A pipeline reports the same in other words.
        }
        finally
        {
            if (waits)
            {
                _room.Release();
            }
        }
    }

    /// <summary>Makes a request that has the same effect however often it is made, until it succeeds or time is up.</summary>
    /// <exception cref="StorageException">It failed; a request that changes something may have taken effect.</exception>
    /// <exception cref="global::Azure.RequestFailedException">The service refused it; nothing was changed.</exception>
    public async Task<T> RepeatAsync<T>(RequestKind kind, string what, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        Patience patience = Begin();
        while (true)
        {
            try
            {
                return await OnceAsync(kind, what, request, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (BlobErrors.IsTransient(e))
            {
                if (!await patience.WaitAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw BlobErrors.Translate(e, what, ambiguous: kind is not (RequestKind.Read or RequestKind.Look or RequestKind.List));
                }
            }
        }
    }

    /// <summary>For operations that find out what became of a request before they repeat it.</summary>
    public Patience Begin() => new(options, _stopping.Token);

    /// <summary>
    /// No request is made any more: calls end by <see cref="OperationCanceledException"/>. Those on their way are not given up,
    /// so that they have taken effect, or never do, when their calls have ended.
    /// </summary>
    public Task StopAsync() => _stopping.CancelAsync();

    public void Dispose()
    {
        _room.Dispose();
        _stopping.Dispose();
    }

    /// <summary>How long an operation goes on, and the pauses between.</summary>
    public sealed class Patience(AzureBlobStorageOptions options, CancellationToken stopping)
    {
        private readonly long _began = options.TimeProvider.GetTimestamp();
        private TimeSpan _pause = FirstPause;

        /// <summary>Pauses before the next attempt.</summary>
        /// <returns>False, at once, when time is up.</returns>
        public async Task<bool> WaitAsync(CancellationToken cancellationToken)
        {
            if (options.TimeProvider.GetElapsedTime(_began) + _pause > options.RetryFor)
            {
                return false;
            }

            // Not all at once again after a time of trouble.
            TimeSpan pause = _pause * (0.5 + Random.Shared.NextDouble());
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
            await Task.Delay(pause, options.TimeProvider, either.Token).ConfigureAwait(false);
            _pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, 2 * _pause.Ticks));
            return true;
        }
    }
}
