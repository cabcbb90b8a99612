namespace OrleansStreaming.Storage.Files.Tests;

public enum FileCall
{
    FileExists,
    DirectoryExists,
    List,
    CreateDirectory,
    Create,
    Open,
    Rename,
    RenameDirectory,
    Delete,
    DeleteDirectory,
    SyncDirectory,
    Lock,
    Write,
    Read,
    Flush,
    Reserve,

    /// <summary>Not a call: a remark of the test, such as that an append was confirmed.</summary>
    Note,
}

/// <summary>One call of the storage to its file system.</summary>
internal sealed record FileOperation(FileCall Call, string Path, string? To = null, long Offset = 0, long Length = 0)
{
    public bool Changes => Call is FileCall.CreateDirectory or FileCall.Create or FileCall.Rename or FileCall.RenameDirectory
        or FileCall.Delete or FileCall.DeleteDirectory or FileCall.SyncDirectory or FileCall.Write or FileCall.Reserve or FileCall.Flush;
}

/// <summary>Thrown by a hook before a write: some bytes are written, then the write fails.</summary>
internal sealed class ShortWriteException(int bytes, Exception failure) : Exception("short write", failure)
{
    public int Bytes { get; } = bytes;
}
