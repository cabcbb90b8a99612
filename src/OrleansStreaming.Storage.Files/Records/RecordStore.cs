using System.Collections.Concurrent;
using System.Globalization;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Small records that change by compare-and-swap. A record's tag is the number of its version.</summary>
internal sealed class RecordStore(IFileSystem files, AtomicFile atomic, string folder)
{
    // The folder belongs to one process, so a lock in memory orders the swaps. One for each record that was ever used.
    private readonly ConcurrentDictionary<string, Slot> _slots = new(StringComparer.Ordinal);

    public StoredRecord? Read(string name)
    {
        Slot slot = SlotOf(name);
        lock (slot) // a version that is being written may have its name before it is durable
        {
            return Load(slot, name) is { } current ? new StoredRecord(Tag(current.Version), current.Content) : null;
        }
    }

    public string? Swap(string name, string? expectedTag, ReadOnlyMemory<byte> content)
    {
        Slot slot = SlotOf(name);
        lock (slot)
        {
            (long Version, ReadOnlyMemory<byte> Content)? current = Load(slot, name);
            if (expectedTag != (current is { } existing ? Tag(existing.Version) : null))
            {
                return null;
            }

            long version = (current?.Version ?? 0) + 1;
            Store(slot, name, version, content);
            return Tag(version);
        }
    }

    private static string Tag(long version) => version.ToString(CultureInfo.InvariantCulture);

    private Slot SlotOf(string name) =>
        _slots.GetOrAdd(name, static (key, root) => new Slot(Path.Combine(root, FileNames.ToFileName(key))), folder);

    private (long Version, ReadOnlyMemory<byte> Content)? Load(Slot slot, string name)
    {
        if (SmallFile.TryRead(files, slot.Path) is not { } bytes)
        {
            return null;
        }

        NamedFileHeader header = NamedFileHeader.Parse(bytes, NamedFileKind.Record, slot.Path);
        header.ThrowUnlessNamed(name, slot.Path);
        if (bytes.Length - header.Size != header.ContentLength)
        {
            throw new CorruptDataException(slot.Path, bytes.Length, $"expected {header.ContentLength} bytes of content, found {bytes.Length - header.Size}");
        }

        ReadOnlyMemory<byte> content = bytes.AsMemory(header.Size);
        if (Crc32C.Compute(content.Span) != header.ContentCrc)
        {
            throw new CorruptDataException(slot.Path, header.Size, "expected content that matches its checksum");
        }

        if (slot.IsUncertain)
        {
            // It was renamed but perhaps not made durable. Nobody may act on it before it is.
            Store(slot, name, header.Number, content);
        }

        return (header.Number, content);
    }

    private void Store(Slot slot, string name, long version, ReadOnlyMemory<byte> content)
    {
        var header = new NamedFileHeader(NamedFileKind.Record, name, version, content.Length, Crc32C.Compute(content.Span));
        try
        {
            atomic.Publish(slot.Path, [header.Format(), content]);
            slot.IsUncertain = false;
        }
        catch (StorageException e) when (e.Ambiguous)
        {
            slot.IsUncertain = true;
            throw;
        }
    }

    private sealed class Slot(string path)
    {
        public string Path { get; } = path;

        public bool IsUncertain { get; set; }
    }
}
