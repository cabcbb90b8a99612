using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming;

/// <summary>
/// The sidecar of a data file: position records, one behind the other, of which the last counts. While it is open no other
/// process can open it, so whoever holds it is alone with the data file, too.
/// </summary>
internal sealed class PositionLog : IDisposable
{
    /// <summary>A log that has grown to this is cut down to its last record.</summary>
    public const long CompactAt = 64 * 1024;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(20);

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _end;

    private PositionLog(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
    }

    /// <summary>The committed position; null when there is none yet.</summary>
    public PositionRecord? Last { get; private set; }

    /// <summary>Opens or makes the log of a data file, waiting up to a second for another process to let go of it.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static async ValueTask<PositionLog> OpenAsync(string path, CancellationToken cancellationToken)
    {
        PositionLog log = new(await LockAsync(path, cancellationToken).ConfigureAwait(false), path);
        try
        {
            log.ReadLast();
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Commits: the record is on disk when this returns.</summary>
    public void Append(PositionRecord record)
    {
        WriteAt(_end, record);
        _end += PositionRecord.Size;
        Last = record;
        if (_end >= CompactAt)
        {
            Compact(record);
        }
    }

    public void Dispose() => _file.Dispose();

    private static async ValueTask<SafeFileHandle> LockAsync(string path, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (attempt < 50 && e.GetType() == typeof(IOException))
            {
                await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Every append is flushed before the next one, so a crash can damage the last record and no other.
    private void ReadLast()
    {
        long length = RandomAccess.GetLength(_file);
        long slots = length / PositionRecord.Size;
        if (slots == 0)
        {
            return;
        }

        Last = ReadAt(slots - 1);
        bool torn = Last is null;
        if (torn && slots > 1)
        {
            Last = ReadAt(--slots - 1);
            if (Last is null || length % PositionRecord.Size != 0)
            {
                throw new InvalidDataException(
                    $"{_path} is damaged at byte {(slots - 1) * PositionRecord.Size}: a position record was expected. Restore it, or move it and its data file away to write both again.");
            }
        }

        _end = Last is null ? 0 : slots * PositionRecord.Size;
    }

    private PositionRecord? ReadAt(long slot)
    {
        Span<byte> bytes = stackalloc byte[PositionRecord.Size];
        int read = RandomAccess.Read(_file, bytes, slot * PositionRecord.Size);
        return PositionRecord.TryRead(bytes[..read]);
    }

    private void WriteAt(long at, PositionRecord record)
    {
        Span<byte> bytes = stackalloc byte[PositionRecord.Size];
        record.Write(bytes);
        RandomAccess.Write(_file, bytes, at);
        RandomAccess.FlushToDisk(_file);
    }

    // In place: until the file is cut, its last record is the old one, and afterwards the first; both say the same.
    private void Compact(PositionRecord record)
    {
        WriteAt(0, record);
        RandomAccess.SetLength(_file, PositionRecord.Size);
        RandomAccess.FlushToDisk(_file);
        _end = PositionRecord.Size;
    }
}
