using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Appends to a journal: one write and one flush, then a look for the fence, then the confirmation.</summary>
internal sealed class JournalWriter : IJournalWriter
{
    private readonly Journal _journal;
    private readonly WriterThread _thread;
    private readonly AppendBatch _batch = new();
    private readonly ManualResetEventSlim _quiet = new(initialState: true);
    private readonly Completion _pending;
    private readonly Action _append;
    private IReadOnlyList<FrameToWrite> _frames = [];
    private long _bytes;
    private OpenSegment _segment;
    private long _lastLsn;
    private long _begunLsn;
    private int _appending;

    // Why nothing more is written; guarded by the journal's Sync.
    private Func<Exception>? _stopped;

    private JournalWriter(Journal journal, OpenSegment segment)
    {
        _journal = journal;
        _segment = segment;
        _thread = new WriterThread($"journal {journal.Name}");
        _pending = new Completion(StopAbandoned);
        _append = Append;
    }

    /// <summary>The disk failed: what lies behind the confirmed end may be in memory only, and must not be taken for stored.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>The segment being written.</summary>
    public Segment CurrentSegment => _segment.Segment;

    public static JournalWriter Create(Journal journal) =>
        new(journal, OpenSegment.Begin(journal, firstLsn: 1, OpenSegment.NextCapacity(null, journal.Context.Options)));

    /// <summary>Notes the segment before anything in it is confirmed, so that it cannot get lost unnoticed.</summary>
    public void MarkBegun()
    {
        long firstLsn = _segment.Segment.FirstLsn;
        _begunLsn = _journal.Context.Pool.WithSpace(() =>
        {
            _journal.Context.Atomic.Publish(Path.Combine(_journal.Folder, JournalFiles.BegunFile), JournalFiles.Format(firstLsn));
            return firstLsn;
        });
    }

    public ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _appending, 1) != 0)
        {
            ThrowIfStopped(); // the one under way may have been abandoned
            throw new InvalidOperationException($"An append to journal {_journal.Name} is under way; there can be only one.");
        }

        try
        {
            ThrowIfStopped();
            long bytes = AppendBatch.Measure(frames, _lastLsn + 1);
            if (frames.Count == 0)
            {
                _appending = 0;
                return default;
            }

            (_frames, _bytes) = (frames, bytes);
            ValueTask append = _pending.Begin(cancellationToken);
            Begin();
            return append;
        }
        catch
        {
            _appending = 0;
            throw;
        }
    }

    /// <summary>
    /// Stops the writer for ever and damages what it wrote but had not confirmed, as a loss of power would. Nothing that
    /// was confirmed is touched.
    /// </summary>
    /// <returns>How many bytes were lost.</returns>
    public async Task<long> CutTailAsync(Random random, TailCut cut)
    {
        Stop(() => new StorageException($"Journal {_journal.Name} has been cut: its writer is dead."));
        await Task.Run(_quiet.Wait).ConfigureAwait(false); // a write under way would land behind the cut
        return TailCutter.Cut(_journal.Context.Files, _segment, random, cut);
    }

    public ValueTask DisposeAsync()
    {
        Abandon();
        return default;
    }

    /// <summary>Lets go of file and thread.</summary>
    public void Abandon()
    {
        Stop(() => new ObjectDisposedException($"journal {_journal.Name}"));
        _thread.Dispose();
        _segment.Dispose();
    }

    private void Begin()
    {
        FileStorageOptions options = _journal.Context.Options;
        if (options.FlushDelay > TimeSpan.Zero)
        {
            _ = AppendSlowlyAsync(options);
        }
        else
        {
            _thread.Run(_append);
        }
    }

    private void Append()
    {
        Exception? error = null;
        try
        {
            WriteAndFlush(_frames, _bytes);
            Confirm(_frames);
        }
        catch (Exception e)
        {
            error = e;
        }

        End(error);
    }

    private async Task AppendSlowlyAsync(FileStorageOptions options)
    {
        Exception? error = null;
        try
        {
            await _thread.RunAsync(() => WriteAndFlush(_frames, _bytes)).ConfigureAwait(false);
            await Task.Delay(options.FlushDelay, options.TimeProvider, CancellationToken.None).ConfigureAwait(false);
            await _thread.RunAsync(() => Confirm(_frames)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = e;
        }

        End(error);
    }

    private void End(Exception? error)
    {
        _frames = [];
        Volatile.Write(ref _appending, 0); // First: whoever waits may append again at once.
        _pending.End(error);
    }

    /// <summary>Whether it takes effect shows only when the journal is sealed; nothing may be appended behind it.</summary>
    private void StopAbandoned() => Stop(() => new StorageException($"An append to journal {_journal.Name} was abandoned: its writer must be given up."));

    private void WriteAndFlush(IReadOnlyList<FrameToWrite> frames, long bytes)
    {
        _quiet.Reset();
        try
        {
            ThrowIfStopped();
            if (!_segment.HasRoom(bytes))
            {
                Roll(bytes);
            }

            if (_begunLsn != _segment.Segment.FirstLsn)
            {
                MarkRolled();
            }

            _segment.Write(_batch.Gather(frames, _segment.Header.SegmentId, _lastLsn, _segment.Position), bytes);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            if (DiskErrors.IsFull(e))
            {
                Undo(e);
                throw DiskErrors.Translate(e, $"appending to {_segment.Segment.Path}");
            }

            // Never flushed again: the system may have dropped the data, and would report success.
            throw Fail(DiskErrors.Translate(e, $"appending to {_segment.Segment.Path}", ambiguous: true));
        }
        finally
        {
            _batch.Clear();
            _quiet.Set();
        }
    }

    private void Confirm(IReadOnlyList<FrameToWrite> frames)
    {
        bool fenced;
        try
        {
            fenced = IsFenced();
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Fail(DiskErrors.Translate(e, $"looking for {_journal.FencePath}", ambiguous: true));
        }

        if (fenced)
        {
            throw StopFenced();
        }

        lock (_journal.Sync)
        {
            ThrowIfStopped();
            for (int i = 0; i < frames.Count; i++)
            {
                _segment.Position += FramePrefix.Size + frames[i].Length;
                _segment.Segment.Index.Add(++_lastLsn + 1, _segment.Position);
            }

            _journal.ConfirmedLsn = _lastLsn;
        }

        if (_journal.Context.Options.MakeSegmentsAhead && _segment.Position > _segment.Header.Capacity / 2)
        {
            _journal.Context.Pool.MakeAhead(OpenSegment.NextCapacity(_segment, _journal.Context.Options), _segment.FillsFast);
        }
    }

    /// <summary>The fence is looked for first: a journal that was sealed and then deleted has neither fence nor segment.</summary>
    private bool IsFenced() =>
        _journal.Context.Files.FileExists(_journal.FencePath) || !_journal.Context.Files.FileExists(_segment.Segment.Path);

    private void Roll(long bytes)
    {
        long capacity = Math.Max(OpenSegment.NextCapacity(_segment, _journal.Context.Options), SegmentHeader.Size + bytes);
        OpenSegment last = _segment;
        try
        {
            _segment = OpenSegment.Begin(_journal, _lastLsn + 1, capacity, last.FillsFast);
        }
        catch (StorageException e) when (e is not StorageFullException)
        {
            throw IsFenced() ? StopFenced() : Fail(e);
        }

        last.Dispose();
    }

    private void MarkRolled()
    {
        try
        {
            MarkBegun();
        }
        catch (StorageException e) when (e is not StorageFullException)
        {
            throw IsFenced() ? StopFenced() : Fail(e);
        }
    }

    /// <summary>Clears an append for which there was no space, so that it is as if it had never been tried.</summary>
    private void Undo(Exception full)
    {
        // Not while somebody seals: it may just have found these frames, and made them part of the journal.
        lock (_journal.Gate)
        {
            try
            {
                if (IsFenced())
                {
                    throw StopFenced();
                }

                _segment.ClearUnconfirmed();
                return;
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                full = new IOException($"{full.Message}, and clearing what had been written failed: {e.Message}", e);
            }
        }

        throw Fail(DiskErrors.Translate(full, $"appending to {_segment.Segment.Path}", ambiguous: true));
    }

    /// <summary>Gives the journal up, and tries to end it where it was last confirmed.</summary>
    private StorageException Fail(StorageException failure)
    {
        lock (_journal.Sync)
        {
            HasFailed = true;
        }

        Stop(() => new StorageException($"Journal {_journal.Name} must be given up: {failure.Message}", failure));
        try
        {
            JournalSealer.Seal(_journal);
        }
        catch (StorageException)
        {
            // Likely, on a disk that has just failed. While this process lives it remembers that the writer has failed.
        }

        return failure;
    }

    private JournalFencedException StopFenced()
    {
        var fenced = new JournalFencedException($"Journal {_journal.Name} has been sealed: nothing of this append is confirmed.");
        Stop(() => new JournalFencedException($"Journal {_journal.Name} has been sealed."));
        return fenced;
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
}
