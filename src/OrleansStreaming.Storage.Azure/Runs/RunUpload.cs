using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Writes a run: what fits in one buffer by one request, a longer one as staged blocks, which are nothing to anybody before
/// their list is committed. The first buffer goes last, since the header in front of it tells the length.
/// </summary>
internal sealed class RunUpload(BlobStore store, string name)
{
    private const int BufferBytes = 4 << 20;
    private const int StagedAtOnce = 3;

    private readonly string _blob = BlobNames.Run(name);
    private readonly string _attempt = Guid.NewGuid().ToString("N");
    private readonly List<string> _ids = [];
    private readonly List<Task> _staging = [];
    private readonly int _headerSize = new NamedFileHeader(NamedFileKind.Run, name, 0, 0, 0).Size;
    private byte[]? _first;
    private byte[] _buffer = [];
    private int _filled;
    private int _inBlock;
    private long _blocks;

    /// <summary>The bytes of content so far.</summary>
    public long Length { get; private set; }

    /// <summary>Takes a piece of the content; it may change afterwards.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        while (piece.Length > 0)
        {
            // A block and its sum stay together.
            if (_inBlock == 0 && (_buffer.Length == 0 || _filled + CheckedBlocks.Bytes + CheckedBlocks.SumBytes > BufferBytes))
            {
                await NextBufferAsync(cancellationToken).ConfigureAwait(false);
            }

            int taken = Math.Min(piece.Length, CheckedBlocks.Bytes - _inBlock);
            Reserve(taken + CheckedBlocks.SumBytes);
            piece.Span[..taken].CopyTo(_buffer.AsSpan(_filled));
            piece = piece[taken..];
            _filled += taken;
            _inBlock += taken;
            Length += taken;
            if (_inBlock == CheckedBlocks.Bytes)
            {
                EndBlock();
            }
        }
    }

    /// <summary>Makes the run visible, and durable.</summary>
    /// <param name="expected">The version that it replaces; null when there must be none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The version; null when the run was another one.</returns>
    public async Task<BlobVersion?> PublishAsync(BlobVersion? expected, CancellationToken cancellationToken)
    {
        if (_inBlock > 0)
        {
            EndBlock();
        }

        byte[] header = new NamedFileHeader(NamedFileKind.Run, name, 0, Length, 0).Format();
        if (_ids.Count == 0)
        {
            byte[] whole = _buffer.Length == 0 ? header : _buffer;
            header.CopyTo(whole, 0);
            return await PutAsync(whole.AsMemory(0, Math.Max(_filled, header.Length)), expected, cancellationToken).ConfigureAwait(false);
        }

        if (_first is not null)
        {
            header.CopyTo(_first, 0);
            Stage(_ids[0], _first, _first.Length, cancellationToken);
            _first = null;
            if (_filled > 0)
            {
                _ids.Add(Id(_ids.Count));
                Stage(_ids[^1], _buffer, _filled, cancellationToken);
                _filled = 0;
            }
        }

        await Task.WhenAll(_staging).ConfigureAwait(false);
        return await CommitAsync(expected, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until no request reads the buffers any more, whatever became of it.</summary>
    public async Task EndAsync()
    {
        try
        {
            await Task.WhenAll(_staging).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            // Told to whoever published; or the run was given up.
        }
    }

    private async Task NextBufferAsync(CancellationToken cancellationToken)
    {
        if (_buffer.Length == 0)
        {
            _filled = _headerSize; // Room for the header.
            Reserve(CheckedBlocks.Bytes);
            return;
        }

        _ids.Add(Id(_ids.Count));
        if (_ids.Count == 1)
        {
            _first = _buffer.AsSpan(0, _filled).ToArray();
        }
        else
        {
            while (_staging.Count(t => !t.IsCompleted) >= StagedAtOnce)
            {
                await Task.WhenAny(_staging.Where(t => !t.IsCompleted)).ConfigureAwait(false);
            }

            if (_staging.Find(t => t.IsCanceled || t.IsFaulted) is { } failed)
            {
                await failed.ConfigureAwait(false);
            }

            _staging.RemoveAll(t => t.IsCompleted);
            Stage(_ids[^1], _buffer, _filled, cancellationToken);
        }

        _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        _filled = 0;
    }

    private void Reserve(int count)
    {
        if (_filled + count > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_filled + count, Math.Min(BufferBytes, 2 * _buffer.Length)));
        }
    }

    private void EndBlock()
    {
        CheckedBlocks.WriteSum(_buffer.AsSpan(_filled), _blocks++, _buffer.AsSpan(_filled - _inBlock, _inBlock));
        _filled += CheckedBlocks.SumBytes;
        _inBlock = 0;
    }

    // All of one length, as the service wants it.
    private string Id(int number) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"{_attempt}{number:x8}"));

    private void Stage(string id, byte[] bytes, int count, CancellationToken cancellationToken) => _staging.Add(StageAsync(id, bytes, count, cancellationToken));

    private async Task StageAsync(string id, byte[] bytes, int count, CancellationToken cancellationToken)
    {
        string what = $"writing {store.Describe(_blob)}";
        try
        {
            await store.Requests.RepeatAsync(
                RequestKind.Write,
                what,
                cancel => store.BlockBlob(_blob).StageBlockAsync(id, new MemoryStream(bytes, 0, count, writable: false), cancellationToken: cancel),
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (BlobErrors.IsStoreError(e))
        {
            throw BlobErrors.Translate(e, what);
        }
    }

    private Task<BlobVersion?> PutAsync(ReadOnlyMemory<byte> bytes, BlobVersion? expected, CancellationToken cancellationToken) => ConditionalWrite.RunAsync(
        store,
        RequestKind.Write,
        _blob,
        expected,
        BlobMetadata.New(),
        async (conditions, metadata, cancel) =>
        {
            var options = new BlobUploadOptions { Conditions = conditions, Metadata = metadata, TransferOptions = WholeBlob.InOneRequest };
            using Stream stream = new BinaryData(bytes).ToStream();
            return (await store.BlockBlob(_blob).UploadAsync(stream, options, cancel).ConfigureAwait(false)).Value.ETag;
        },
        cancellationToken,
        writesAgain: true);

    private Task<BlobVersion?> CommitAsync(BlobVersion? expected, CancellationToken cancellationToken) => ConditionalWrite.RunAsync(
        store,
        RequestKind.Write,
        _blob,
        expected,
        BlobMetadata.New(),
        async (conditions, metadata, cancel) =>
        {
            var options = new CommitBlockListOptions { Conditions = conditions, Metadata = metadata };
            return (await store.BlockBlob(_blob).CommitBlockListAsync(_ids, options, cancel).ConfigureAwait(false)).Value.ETag;
        },
        cancellationToken,
        writesAgain: true);
}
