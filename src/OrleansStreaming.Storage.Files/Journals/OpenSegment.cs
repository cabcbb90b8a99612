using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>The segment that a writer fills.</summary>
internal sealed class OpenSegment : IDisposable
{
    private const long SmallestBytes = 1 << 20;

    private const int ClearBytes = 256 << 10;

    /// <summary>Disks write about ten times as much a second: below, writing the space of the next segment first takes little of their time.</summary>
    private const double FastBytesPerSecond = 64 << 20;

    private readonly IFile _file;
    private readonly TimeProvider _time;
    private readonly long _begun;

    private OpenSegment(Segment segment, IFile file, SegmentHeader header, TimeProvider time)
    {
        _time = time;
        _begun = time.GetTimestamp();
        Segment = segment;
        _file = file;
        Header = header;
    }

    public Segment Segment { get; }

    public SegmentHeader Header { get; }

    /// <summary>The end of what is confirmed.</summary>
    public long Position { get; set; } = SegmentHeader.Size;

    /// <summary>The end of what may have been written.</summary>
    public long WrittenTo { get; private set; } = SegmentHeader.Size;

    /// <summary>Whether it fills too fast for the next one's space to be written first.</summary>
    public bool FillsFast => Position > FastBytesPerSecond * _time.GetElapsedTime(_begun).TotalSeconds;

    /// <summary>How long the next segment should be: they double, so that short journals are cheap.</summary>
    public static long NextCapacity(OpenSegment? last, FileStorageOptions options) =>
        Math.Min(options.SegmentSizeBytes, last is null ? SmallestBytes : Math.Max(SmallestBytes, 2 * last.Header.Capacity));

    /// <summary>Begins a segment: header first, then the name, both durable before any frame is written.</summary>
    /// <exception cref="StorageFullException">No space; the journal is as before.</exception>
    /// <param name="journal">Its journal.</param>
    /// <param name="firstLsn">The LSN of its first frame.</param>
    /// <param name="capacity">How long it must be at least.</param>
    /// <param name="hurry">The one before filled fast.</param>
    public static OpenSegment Begin(Journal journal, long firstLsn, long capacity, bool hurry = false)
    {
        JournalContext context = journal.Context;
        string path = Path.Combine(journal.Folder, Segment.FileName(firstLsn));
        Spare? spare = null;
        IFile? file = null;
        bool renamed = false;
        try
        {
            spare = context.Pool.Take(capacity, hurry);
            SegmentHeader header = SegmentHeader.Create(journal.Name, firstLsn, spare.Value.Capacity, spare.Value.Generation);
            byte[] bytes = new byte[SegmentHeader.Size];
            header.Write(bytes);
            file = context.Files.Open(spare.Value.Path, writable: true);
            file.Write([bytes], 0);
            file.Flush();
            context.Files.Rename(spare.Value.Path, path);
            renamed = true;
            context.Files.SyncDirectory(journal.Folder);

            // A rename does not change what an open file is, only its path here would be the old one.
            var segment = new Segment(path, firstLsn);
            journal.Add(segment);
            return new OpenSegment(segment, file, header, context.Options.TimeProvider);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            file?.Dispose();
            if (spare is { } taken && !renamed)
            {
                context.Pool.Discard(taken);
            }

            throw DiskErrors.Translate(e, $"beginning segment {path}", ambiguous: renamed);
        }
    }

    public bool HasRoom(long bytes) => Position + bytes <= Header.Capacity;

    /// <summary>Writes behind what is confirmed, and flushes.</summary>
    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long bytes)
    {
        WrittenTo = Position + bytes;
        _file.Write(pieces, Position);
        _file.Flush();
    }

    /// <summary>Clears what was written behind the confirmed end.</summary>
    public void ClearUnconfirmed() => Clear(_file, Position, WrittenTo);

    /// <summary>
    /// Overwrites a range with zeros, and flushes. The length stays: a segment that is shorter than its header says has
    /// lost data.
    /// </summary>
    public static void Clear(IFile file, long from, long to) => Zeros.Write(file, from, to, ClearBytes);

    public void Dispose() => _file.Dispose();
}
