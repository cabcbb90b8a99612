using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>A storage whose records fail or stand still as a test says; otherwise the one behind it.</summary>
internal sealed class DisturbedStorage(IStorage storage) : StorageLease(storage, static _ => { }), IStorage
{
    /// <summary>Called before a record is read or swapped.</summary>
    public Func<CancellationToken, ValueTask> Before { get; set; } = static _ => default;

    /// <summary>Called when a swap has taken effect.</summary>
    public Func<ValueTask> AfterSwap { get; set; } = static () => default;

    public int Disposals { get; private set; }

    public new async ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        return await base.ReadRecordAsync(name, cancellationToken);
    }

    public new async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        string? tag = await base.SwapRecordAsync(name, expectedTag, content, cancellationToken);
        await AfterSwap();
        return tag;
    }

    public new ValueTask DisposeAsync()
    {
        Disposals++;
        return base.DisposeAsync();
    }
}
