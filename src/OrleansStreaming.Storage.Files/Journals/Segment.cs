using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>One file of a journal.</summary>
internal sealed class Segment(string path, long firstLsn)
{
    private const string Extension = ".seg";

    // All bits are published at once: readers of one segment may check its header at the same time.
    private StrongHeader? _header;

    public string Path { get; } = path;

    public long FirstLsn { get; } = firstLsn;

    public SparseIndex Index { get; } = new(firstLsn, SegmentHeader.Size);

    /// <summary>How many reads have it open; guarded by the journal's lock.</summary>
    public int Readers { get; set; }

    /// <summary>Trimmed: no read begins here any more; set under the journal's gate.</summary>
    public bool Removed { get; set; }

    public static string FileName(long firstLsn) => $"{firstLsn:x16}{Extension}";

    /// <summary>The first LSN that a file name tells; null for other files.</summary>
    public static long? TryParse(string fileName) =>
        fileName.Length == 16 + Extension.Length
        && fileName.EndsWith(Extension, StringComparison.Ordinal)
        && long.TryParse(fileName.AsSpan(0, 16), System.Globalization.NumberStyles.AllowHexSpecifier, null, out long lsn)
        && lsn > 0
            ? lsn
            : null;

    /// <summary>The header, read and checked once.</summary>
    /// <exception cref="CorruptDataException">It is damaged, or of another journal or segment.</exception>
    public SegmentHeader Header(IFile file, string journal)
    {
        if (_header is { } known)
        {
            return known.Value;
        }

        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        int read = file.Read(bytes, 0);
        if (!SegmentHeader.TryRead(bytes[..read], out SegmentHeader header, out string? error))
        {
            throw new CorruptDataException(Path, 0, error!);
        }

        SegmentHeader expected = SegmentHeader.Create(journal, FirstLsn, header.Capacity, header.Generation);
        if (header != expected)
        {
            throw new CorruptDataException(
                Path, 0, $"expected the segment of journal {journal} that begins with LSN {FirstLsn}, found one that begins with LSN {header.FirstLsn}{(header.JournalHash == expected.JournalHash ? "" : ", of another journal")}");
        }

        // A segment gets its full length before its name; a shorter one has lost data.
        long length = file.Length;
        if (length < header.Capacity)
        {
            throw new CorruptDataException(Path, length, $"expected {header.Capacity} bytes, found {length}");
        }

        _header = new StrongHeader(header);
        return header;
    }

    private sealed record StrongHeader(SegmentHeader Value);
}
