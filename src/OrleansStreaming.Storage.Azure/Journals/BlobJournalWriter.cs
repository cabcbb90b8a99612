using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Appends to a journal: each block to its exact position, one after the other. A failure that is not cleared up ends it.</summary>
internal sealed partial class BlobJournalWriter : IJournalWriter
{
    private const int SmallestBuffer = 64 << 10;

    private readonly BlobJournal _journal;
    private readonly AppendBatch _batch = new();
    private readonly BlobMetadata _id;
    private readonly SemaphoreSlim _turn = new(1);
    private byte[] _buffer = [];
    private BlobSegment _segment;
    private long _position;
    private int _blocks;
    private long _lastLsn;

    // Why nothing more is written; guarded by the journal's Sync.
    private Func<Exception>? _stopped;

    private BlobJournalWriter(BlobJournal journal, BlobMetadata id, BlobSegment segment)
    {
        _journal = journal;
        _id = id;
        _segment = segment;
    }

    /// <summary>Creates a journal.</summary>
    /// <exception cref="StorageException">It exists, or was sealed before it could be created.</exception>
    public static async Task<BlobJournalWriter> CreateAsync(BlobJournal journal, CancellationToken cancellationToken)
    {
        // The first segment may have been deleted; what was left tells that the name has been used, and so does this process if the store has lost it.
        JournalListing listing = await journal.ListAsync(cancellationToken).ConfigureAwait(false);
        var segment = new BlobSegment(journal.Name, 0);
        BlobMetadata id = BlobMetadata.New();
        if (journal.Writer is not null || listing.Count > 0 || !await SegmentAppender.CreateAsync(journal.Store, segment.Blob, id, cancellationToken).ConfigureAwait(false))
        {
            throw new StorageException($"Journal {journal.Name} exists already; its name is never used again.");
        }

        var writer = new BlobJournalWriter(journal, id, segment);
        lock (journal.Sync)
        {
            journal.Writer = writer;
        }

        journal.Add(segment);
        return writer;
    }

    public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_turn.Wait(0, CancellationToken.None))
        {
            ThrowIfStopped(); // The one under way may be the last.
            throw new InvalidOperationException($"An append to journal {_journal.Name} is under way; there can be only one.");
        }

        try
        {
            ThrowIfStopped();
            long bytes = AppendBatch.Measure(frames, _lastLsn + 1);
            if (frames.Count > 0)
            {
                await AppendAsync(frames, bytes, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_journal.Sync)
        {
            _stopped = () => new ObjectDisposedException($"journal {_journal.Name}"); // Whatever else has stopped it before.
        }

        await _turn.WaitAsync().ConfigureAwait(false);
        _turn.Release();
        if (_next is not null)
        {
            await _next.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    private async Task AppendAsync(IReadOnlyList<FrameToWrite> frames, long bytes, CancellationToken cancellationToken)
    {
        long before = _position;
        try
        {
            if (_position > 0 && !HasRoom(bytes))
            {
                await RollAsync(cancellationToken).ConfigureAwait(false);
            }

            before = _position;
            await WriteAsync(frames, cancellationToken).ConfigureAwait(false);
            Confirm(frames);
        }
        catch (StorageFullException) when (_position == before)
        {
            throw; // Nothing was appended; it may be tried again.
        }
        catch (StorageFullException e)
        {
            // A part is there, which cannot be taken back.
            throw Fail(new StorageException(e.Message) { Ambiguous = true });
        }
        catch (JournalFencedException)
        {
            Stop(() => new JournalFencedException($"Journal {_journal.Name} has been sealed."));
            throw;
        }
        catch (StorageException e)
        {
            throw Fail(e);
        }
        catch (OperationCanceledException)
        {
            // Given up, or the storage is disposed. Whether it takes effect shows only when the journal is sealed; nothing may be appended behind it.
            Stop(() => new StorageException($"An append to journal {_journal.Name} was abandoned: its writer must be given up."));
            ThrowIfDisposed(cancellationToken);
            throw;
        }
        catch (Exception e)
        {
            Stop(() => new StorageException($"Journal {_journal.Name} must be given up: {e.Message}", e));
            throw;
        }
        finally
        {
            _batch.Clear();
        }

        MakeAhead();
    }

    /// <summary>Writes frames as one block, or as several when they are too long for one.</summary>
    private async Task WriteAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
    {
        int filled = 0;
        if (_position == 0)
        {
            var header = BlobSegmentHeader.Create(_journal.Name, _segment.Index, _lastLsn + 1, _journal.Confirmed.Length);
            _segment.SetHeader(header);
            Reserve(BlobSegmentHeader.Size, 0);
            header.Write(_buffer);
            filled = BlobSegmentHeader.Size;
        }

        List<ReadOnlyMemory<byte>> pieces = _batch.Gather(frames, _segment.Header!.Value.SegmentId, _lastLsn, _position + filled);
        for (int i = 0; i < pieces.Count; i++)
        {
            for (ReadOnlyMemory<byte> rest = pieces[i]; rest.Length > 0;)
            {
                if (filled == SegmentAppender.MaxBlockBytes)
                {
                    await AppendBlockAsync(filled, cancellationToken).ConfigureAwait(false);
                    filled = 0;
                }

                int taken = Math.Min(rest.Length, SegmentAppender.MaxBlockBytes - filled);
                Reserve(filled + taken, filled);
                rest.Span[..taken].CopyTo(_buffer.AsSpan(filled));
                rest = rest[taken..];
                filled += taken;
            }
        }

        await AppendBlockAsync(filled, cancellationToken).ConfigureAwait(false);
    }

    private async Task AppendBlockAsync(int count, CancellationToken cancellationToken)
    {
        await SegmentAppender.AppendAsync(_journal.Store, _segment.Blob, _position, _buffer, count, cancellationToken).ConfigureAwait(false);
        _position += count;
        _blocks++;
    }

    private void Reserve(int count, int kept)
    {
        if (count > _buffer.Length)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(Math.Min(SegmentAppender.MaxBlockBytes, Math.Max(SmallestBuffer, Math.Max(count, 2 * _buffer.Length))));
            _buffer.AsSpan(0, kept).CopyTo(larger);
            _buffer = larger;
        }
    }

    private void Confirm(IReadOnlyList<FrameToWrite> frames)
    {
        lock (_journal.Sync)
        {
            if (_stopped is { } reason)
            {
                throw reason();
            }

            long at = _position;
            for (int i = frames.Count - 1; i >= 0; i--)
            {
                at -= FramePrefix.Size + frames[i].Length;
            }

            for (int i = 0; i < frames.Count; i++)
            {
                at += FramePrefix.Size + frames[i].Length;
                _segment.Positions.Add(++_lastLsn + 1, at);
            }

            _segment.Length = _position;
            _journal.Confirmed = new ConfirmedPlace(_segment.Index, _position, _lastLsn);
        }
    }

    private StorageException Fail(StorageException failure)
    {
        Stop(() => new StorageException($"Journal {_journal.Name} must be given up: {failure.Message}", failure));
        return failure;
    }

    private void Stop(Func<Exception> reason)
    {
        lock (_journal.Sync)
        {
            _stopped ??= reason;
        }
    }

    private void ThrowIfStopped()
    {
        lock (_journal.Sync)
        {
            if (_stopped is { } reason)
            {
                throw reason();
            }
        }
    }

    private void ThrowIfDisposed(CancellationToken cancellationToken)
    {
        if (!cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException($"journal {_journal.Name}");
        }
    }
}
