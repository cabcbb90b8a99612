namespace OrleansStreaming.Storage.Files;

/// <summary>What the journals of one storage share.</summary>
internal sealed record JournalContext(
    IFileSystem Files,
    AtomicFile Atomic,
    SegmentPool Pool,
    FileStorageOptions Options,
    string Folder,
    string TemporaryFolder);
