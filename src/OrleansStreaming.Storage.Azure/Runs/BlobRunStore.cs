using System.Collections.Concurrent;
using Azure;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Immutable runs, each a block blob. What was found out about a run is remembered, so that a read is one request.</summary>
internal sealed class BlobRunStore(BlobStore store)
{
    private const int MaxKnown = 10_000;
    private const int ReadAtOnce = 8 << 20;

    /// <summary>How much of a run is read first, when nothing is known of it.</summary>
    private const int FirstReadBytes = 4 << 10;

    private readonly ConcurrentDictionary<string, KnownRun> _known = new(StringComparer.Ordinal);

    public async Task WriteAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        var upload = new RunUpload(store, name);
        try
        {
            await foreach (ReadOnlyMemory<byte> piece in pieces.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await upload.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            }

            await PublishAsync(upload, name, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await upload.EndAsync().ConfigureAwait(false);
        }
    }

    public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var upload = new RunUpload(store, name);
        try
        {
            await upload.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            await PublishAsync(upload, name, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await upload.EndAsync().ConfigureAwait(false);
        }
    }

    public async Task<ReadOnlyMemory<byte>> ReadAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        for (int attempt = 0; ; attempt++)
        {
            KnownRun run = _known.TryGetValue(name, out KnownRun? known) ? known : await OpenAsync(name, cancellationToken).ConfigureAwait(false);
            try
            {
                return await ReadAsync(name, run, offset, length, cancellationToken).ConfigureAwait(false);
            }
            catch (RequestFailedException e) when (e.Status == 412 && attempt < 10)
            {
                _known.TryRemove(name, out _); // It was written anew.
            }
        }
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(BlobNames.Run(name), cancellationToken).ConfigureAwait(false);
        _known.TryRemove(name, out _);
    }

    public async Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        foreach (ListedBlob blob in await store.ListAsync(BlobNames.RunPrefix(prefix), cancellationToken).ConfigureAwait(false))
        {
            if (BlobNames.TryRunName(blob.Name) is { } name)
            {
                names.Add(name);
            }
        }

        return names;
    }

    private async Task PublishAsync(RunUpload upload, string name, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Run(name);
        BlobVersion? expected = null;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            BlobVersion? made = await upload.PublishAsync(expected, cancellationToken).ConfigureAwait(false);
            if (made is { } version)
            {
                if (version.ETag is { } tag)
                {
                    Remember(name, new KnownRun(upload.Length, tag));
                }

                return;
            }

            // Left by a writer that failed before it had named it. Replaced as it is now, so that a request of that writer which is still on its way finds its condition gone.
            _known.TryRemove(name, out _);
            BlobLook? left = await store.LookAsync(blob, cancellationToken).ConfigureAwait(false);
            expected = left is null ? null : new BlobVersion(left.ETag, left.Metadata.Write);
        }

        throw new StorageException($"Storage failed: writing {store.Describe(blob)}: somebody else writes it, too.");
    }

    /// <summary>Finds out how long a run is, and that it is the right one.</summary>
    private async Task<KnownRun> OpenAsync(string name, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Run(name);
        string path = store.Describe(blob);
        BlobPart part = await store.ReadAsync(blob, 0, Math.Max(FirstReadBytes, HeaderSize(name)), version: null, cancellationToken).ConfigureAwait(false)
            ?? throw Missing(name, path);
        NamedFileHeader header = NamedFileHeader.Parse(part.Bytes.Span, NamedFileKind.Run, path);
        header.ThrowUnlessNamed(name, path);
        long length = CheckedBlocks.ContentLength((part.TotalLength ?? 0) - header.Size);
        if (length != header.ContentLength)
        {
            throw new CorruptDataException(path, part.TotalLength ?? 0, $"expected {header.ContentLength} bytes of content, found {length}");
        }

        var run = new KnownRun(length, part.ETag!.Value);
        Remember(name, run);
        return run;
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(string name, KnownRun run, long offset, int length, CancellationToken cancellationToken)
    {
        long from = offset >= 0 ? Math.Min(offset, run.Length) : Math.Max(0, run.Length + offset);
        length = (int)Math.Min(length, run.Length - from);
        if (length == 0)
        {
            return default;
        }

        if (length <= ReadAtOnce)
        {
            return await ReadPartAsync(name, run, from, length, cancellationToken).ConfigureAwait(false);
        }

        byte[] all = GC.AllocateUninitializedArray<byte>(length);
        await Parallel.ForAsync(
            0,
            (length + ReadAtOnce - 1) / ReadAtOnce,
            new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken },
            async (part, cancel) =>
            {
                int at = part * ReadAtOnce;
                ReadOnlyMemory<byte> bytes = await ReadPartAsync(name, run, from + at, Math.Min(ReadAtOnce, length - at), cancel).ConfigureAwait(false);
                bytes.CopyTo(all.AsMemory(at));
            }).ConfigureAwait(false);
        return all;
    }

    private async Task<ReadOnlyMemory<byte>> ReadPartAsync(string name, KnownRun run, long from, int length, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Run(name);
        long firstBlock = from / CheckedBlocks.Bytes;
        long lastBlock = (from + length - 1) / CheckedBlocks.Bytes;
        long position = HeaderSize(name) + CheckedBlocks.PositionOf(firstBlock);
        long wanted = Math.Min(
            CheckedBlocks.PositionOf(lastBlock + 1),
            run.Length + (((run.Length + CheckedBlocks.Bytes - 1) / CheckedBlocks.Bytes) * CheckedBlocks.SumBytes)) - CheckedBlocks.PositionOf(firstBlock);
        BlobPart part = await store.ReadAsync(blob, position, wanted, run.ETag, cancellationToken).ConfigureAwait(false)
            ?? throw Forgotten(name);
        if (part.Bytes.Length != wanted)
        {
            throw new CorruptDataException(store.Describe(blob), position + part.Bytes.Length, $"expected {wanted - part.Bytes.Length} bytes more");
        }

        byte[] bytes = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(part.Bytes, out ArraySegment<byte> read) && read is { Offset: 0, Array: { } array } ? array : part.Bytes.ToArray();
        CheckedBlocks.Check(bytes, firstBlock, store.Describe(blob), position);
        return bytes.AsMemory((int)(from - (firstBlock * CheckedBlocks.Bytes)), length);
    }

    private void Remember(string name, KnownRun run)
    {
        if (_known.Count >= MaxKnown)
        {
            _known.Clear(); // Rare, and costs a request for each that is still read.
        }

        _known[name] = run;
    }

    private CorruptDataException Forgotten(string name)
    {
        _known.TryRemove(name, out _);
        return Missing(name, store.Describe(BlobNames.Run(name)));
    }

    private static CorruptDataException Missing(string name, string path) => new(path, 0, $"run {name} should exist");

    private static int HeaderSize(string name) => NamedFileHeader.FixedSize + StoredNames.Encode(name).Length;

    private sealed record KnownRun(long Length, ETag ETag);
}
