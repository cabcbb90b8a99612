using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// Where the journals of the dead end, for all calls that wait to hear whether their events survived. However many wait, one
/// read is under way: sealing and taking over need the disk and the processors more. Thread-safe.
/// </summary>
/// <param name="read">Reads the record of journals and seals.</param>
/// <param name="time">What reads are spaced by.</param>
/// <param name="stopping">The engine stops.</param>
internal sealed class SealWatch(Func<CancellationToken, ValueTask<StoredRecord?>> read, TimeProvider time, CancellationToken stopping)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private volatile IReadOnlyList<Seal> _seals = [];
    private Task _reading = Task.CompletedTask;

    /// <summary>Waits until a journal has been sealed; returns its last LSN.</summary>
    /// <exception cref="InvalidOperationException">The engine has stopped.</exception>
    public async Task<long> EndOfAsync(int journal, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (Seal seal in _seals)
            {
                if (seal.Journal == journal)
                {
                    return seal.End;
                }
            }

            await ReadAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private Task ReadAsync()
    {
        lock (_lock)
        {
            return _reading.IsCompleted ? _reading = ReadSoonAsync() : _reading;
        }
    }

    private async Task ReadSoonAsync()
    {
        try
        {
            await Task.Delay(Pause, time, stopping).ConfigureAwait(false);
            _seals = ClusterRecord.Parse(await read(stopping).ConfigureAwait(false)).Seals;
        }
        catch (StorageException)
        {
            // The silos tell of it. Whether the events survived is not known before it can be read.
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && stopping.IsCancellationRequested)
        {
            throw new InvalidOperationException("The engine has stopped; whether the events are stored is not known.");
        }
    }
}
