using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>The small files beside a journal's segments; each is a <see cref="JournalMark"/>.</summary>
internal static class JournalFiles
{
    /// <summary>The journal's end, once known. That the file exists at all stops the writer.</summary>
    public const string FenceFile = "fence";

    /// <summary>The first LSN that has not been trimmed: without it a lost first segment would look trimmed.</summary>
    public const string TrimmedFile = "trimmed";

    /// <summary>The first LSN of the last segment that was written to: without it a journal that has lost its last segment would look shorter.</summary>
    public const string BegunFile = "begun";

    /// <summary>What stands in such a file.</summary>
    public static ReadOnlyMemory<byte>[] Format(long? lsn) => [JournalMark.Format(lsn)];

    /// <summary>Reads such a file.</summary>
    /// <returns>Whether it exists; <paramref name="lsn"/> is null when it does not say.</returns>
    public static bool TryRead(IFileSystem files, string path, out long? lsn)
    {
        byte[]? bytes = SmallFile.TryRead(files, path);
        lsn = bytes is null ? null : JournalMark.Parse(bytes, path);
        return bytes is not null;
    }
}
