using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Files of full length, ready to become segments: made ahead, or left over from trimming. Writing into space that was
/// written before is faster than letting a file grow, by a quarter to a third; but to write it before takes longer than that,
/// so it is done while there is time, and in a hurry the space is only reserved.
/// </summary>
internal sealed class SegmentPool(IFileSystem files, string folder, long segmentBytes, int limit)
{
    /// <summary>What a file is filled with between two flushes when nobody waits for it: an append that comes in between waits for no more than this.</summary>
    private const int GentleBytes = 128 << 10;

    private readonly Lock _lock = new();
    private readonly List<Spare> _spares = [];
    private long _lastNumber;
    private Task _making = Task.CompletedTask;

    /// <summary>Takes up what an earlier process left.</summary>
    public void Load()
    {
        foreach (string name in files.ListFiles(folder))
        {
            string path = Path.Combine(folder, name);
            SegmentHeader header = default;
            bool usable = false;
            if (long.TryParse(Path.GetFileNameWithoutExtension(name), out long number) && _spares.Count < limit)
            {
                _lastNumber = Math.Max(_lastNumber, number);
                using IFile file = files.Open(path, writable: false);
                byte[] bytes = new byte[SegmentHeader.Size];
                usable = file.Read(bytes, 0) == bytes.Length
                    && SegmentHeader.TryRead(bytes, out header, out _)
                    && header.Generation < uint.MaxValue
                    && file.Length == header.Capacity;
            }

            if (usable)
            {
                _spares.Add(new Spare(path, header.Capacity, header.Generation + 1));
            }
            else
            {
                files.Delete(path);
            }
        }
    }

    /// <summary>Takes a file of at least a capacity; makes one if there is none.</summary>
    /// <param name="capacity">How long.</param>
    /// <param name="hurry">Segments fill too fast for their space to be written twice.</param>
    public Spare Take(long capacity, bool hurry) => WithSpace(() =>
    {
        lock (_lock)
        {
            if (TryTakeSpare(capacity) is { } spare)
            {
                return spare;
            }
        }

        return Make(capacity, hurry, gently: false);
    });

    /// <summary>
    /// Does something that takes space. Where there is none while a file is being made ahead, it is tried again behind that: the
    /// file has the space and can be used, or fails for the lack of it and gives it back.
    /// </summary>
    public T WithSpace<T>(Func<T> work)
    {
        while (true)
        {
            Task making = IdleAsync();
            bool makes = !making.IsCompleted;
            try
            {
                return work();
            }
            catch (Exception e) when (makes && (e is StorageFullException || DiskErrors.IsFull(e)))
            {
                making.GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Makes a file in the background, unless there is one, so that a roll need not wait for it.</summary>
    /// <param name="capacity">How long.</param>
    /// <param name="hurry">Segments fill too fast for their space to be written twice.</param>
    public void MakeAhead(long capacity, bool hurry)
    {
        lock (_lock)
        {
            if (limit == 0 || !_making.IsCompleted || _spares.Exists(spare => spare.Capacity >= capacity))
            {
                return;
            }

            _making = Task.Run(() =>
            {
                try
                {
                    Add(Make(capacity, hurry, gently: true));
                }
                catch (Exception e) when (DiskErrors.IsDiskError(e))
                {
                    // The roll tries again, and reports it.
                }
            });
        }
    }

    /// <summary>Takes a trimmed segment out of its journal; keeps the file if there is a use for it.</summary>
    /// <param name="path">The segment.</param>
    /// <param name="header">Its header; null when it is unknown or somebody still reads the file, which must not change then.</param>
    public void Recycle(string path, SegmentHeader? header)
    {
        // Not the short ones that a journal begins with: they would take the place of whole ones.
        if (header is { Generation: < uint.MaxValue } known && known.Capacity >= segmentBytes && HasRoom())
        {
            string spare = NextPath();
            files.Rename(path, spare);
            Add(new Spare(spare, known.Capacity, known.Generation + 1));
        }
        else
        {
            files.Delete(path);
        }
    }

    /// <summary>Makes the names durable: a recycled file must never be found under two.</summary>
    public void SyncNames() => files.SyncDirectory(folder);

    /// <summary>Waits for the background.</summary>
    public Task IdleAsync()
    {
        lock (_lock)
        {
            return _making;
        }
    }

    /// <summary>The smallest that is large enough.</summary>
    private Spare? TryTakeSpare(long capacity)
    {
        int best = -1;
        for (int i = 0; i < _spares.Count; i++)
        {
            if (_spares[i].Capacity >= capacity && (best < 0 || _spares[i].Capacity < _spares[best].Capacity))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            return null;
        }

        Spare spare = _spares[best];
        _spares.RemoveAt(best);
        return spare;
    }

    private Spare Make(long capacity, bool hurry, bool gently)
    {
        string path = NextPath();
        try
        {
            using IFile file = files.Create(path);
            if (hurry && file.TryReserve(capacity))
            {
                file.Flush();
            }
            else
            {
                Zeros.Write(file, 0, capacity, gently ? GentleBytes : Zeros.MaxPiece, flushEach: gently);
            }

            return new Spare(path, capacity, Generation: 0);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            TryDelete(path); // gives the space back
            throw;
        }
    }

    /// <summary>Deletes a file that did not become a segment. It is not used again: its state is unknown.</summary>
    public void Discard(Spare spare) => TryDelete(spare.Path);

    private void TryDelete(string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            // Found and deleted when the storage is opened next.
        }
    }

    private void Add(Spare spare)
    {
        lock (_lock)
        {
            _spares.Add(spare);
        }
    }

    private bool HasRoom()
    {
        lock (_lock)
        {
            return _spares.Count < limit;
        }
    }

    private string NextPath() => Path.Combine(folder, $"{Interlocked.Increment(ref _lastNumber)}.seg");
}

/// <summary>A file that can become a segment.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Capacity">Its length.</param>
/// <param name="Generation">How often it was a segment before.</param>
internal readonly record struct Spare(string Path, long Capacity, uint Generation);
