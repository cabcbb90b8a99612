using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>A medium whose next call of a kind fails, before or after it has taken effect.</summary>
internal sealed class LossyStorage(IStorage inner) : StorageDecorator(inner)
{
    private (StorageCall Call, bool TakesEffect)? _next;

    public void Lose(StorageCall call, bool takesEffect) => _next = (call, takesEffect);

    public override ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        Do(StorageCall.CreateJournal, () => base.CreateJournalAsync(journal, cancellationToken));

    public override ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => Do(StorageCall.SealJournal, () => base.SealJournalAsync(journal, cancellationToken));

    public override ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Do(StorageCall.SwapRecord, () => base.SwapRecordAsync(name, expectedTag, content, cancellationToken));

    public override ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Do(StorageCall.WriteRun, () => base.WriteRunAsync(name, content, cancellationToken));

    public override ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        Do(StorageCall.WriteRun, () => base.WriteRunAsync(name, pieces, cancellationToken));

    protected override IJournalWriter Wrap(string journal, IJournalWriter writer)
    {
        bool failed = false;
        return new WriterDecorator(writer, async (frames, cancel) =>
        {
            if (failed)
            {
                throw new StorageException("the writer has failed");
            }

            try
            {
                await Do(StorageCall.Append, () => writer.AppendAsync(frames, cancel));
            }
            catch (StorageException e) when (e.Ambiguous)
            {
                failed = true;
                throw;
            }
        });
    }

    private async ValueTask Do(StorageCall call, Func<ValueTask> work) => await Do(call, async () =>
    {
        await work();
        return true;
    });

    private async ValueTask<T> Do<T>(StorageCall call, Func<ValueTask<T>> work)
    {
        if (_next is not { } next || next.Call != call)
        {
            return await work();
        }

        _next = null;
        if (next.TakesEffect)
        {
            await work();
        }

        throw new StorageException($"{call} was not answered") { Ambiguous = true };
    }
}
