using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Appends to a journal in memory.</summary>
internal sealed class MemoryJournalWriter(InMemoryStorage storage, MemoryData data, MemoryJournal journal) : IJournalWriter
{
    private bool _isDisposed;
    private bool _isGivenUp;

    public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (_isGivenUp)
        {
            throw new StorageException("An append was given up: its writer must be given up.");
        }

        try
        {
            await StandAsync(AppendStep.BeforeWrite, cancellationToken).ConfigureAwait(false);
            Locked(() => journal.Store(frames));
            await StandAsync(AppendStep.BeforeConfirm, cancellationToken).ConfigureAwait(false);
            if (data.FlushDelay > TimeSpan.Zero)
            {
                await Task.Delay(data.FlushDelay, cancellationToken).ConfigureAwait(false);
            }

            Locked(journal.Confirm);
        }
        catch (OperationCanceledException)
        {
            _isGivenUp = true;
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        return default;
    }

    private Task StandAsync(AppendStep step, CancellationToken cancellationToken) => storage.AtStep?.Invoke(journal.Name, step).WaitAsync(cancellationToken) ?? Task.CompletedTask;

    private void Locked(Action work) => storage.Locked(() =>
    {
        work();
        return true;
    });
}
