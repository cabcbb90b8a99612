using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Immutable runs. Behind the content stands a CRC-32C (u32, little-endian) for each <see cref="BlockBytes"/> of it, so
/// that a part can be checked without reading all.
/// </summary>
internal sealed class RunStore(IFileSystem files, AtomicFile atomic, string folder)
{
    public const int BlockBytes = 64 << 10;

    public void Write(string name, ReadOnlyMemory<byte> content)
    {
        var header = new NamedFileHeader(NamedFileKind.Run, name, 0, content.Length, 0);
        atomic.Publish(PathOf(name), [header.Format(), content, RunBlocks.Checksums(content.Span)]);
    }

    /// <summary>Begins a run whose content comes in pieces.</summary>
    public RunFileWriter Begin(string name) => new(atomic.Begin(PathOf(name)), name);

    public ReadOnlyMemory<byte> Read(string name, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Read(name, offset, length, static (file, header, from, count) => RunBlocks.Read(file, header, from, count));
    }

    public int Read(string name, long offset, Memory<byte> to) =>
        Read(name, offset, to.Length, (file, header, from, count) =>
        {
            RunBlocks.Read(file, header, from, to.Span[..count]);
            return count;
        });

    private T Read<T>(string name, long offset, int length, Func<IFile, NamedFileHeader, long, int, T> read)
    {
        string path = PathOf(name);
        try
        {
            using IFile file = files.Open(path, writable: false);
            NamedFileHeader header = ReadHeader(file, path);
            header.ThrowUnlessNamed(name, path);
            long from = offset >= 0 ? Math.Min(offset, header.ContentLength) : Math.Max(0, header.ContentLength + offset);
            return read(file, header, from, (int)Math.Min(length, header.ContentLength - from));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CorruptDataException(path, 0, $"run {name} should exist");
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Translate(e, $"reading {path}");
        }
    }

    public void Delete(string name)
    {
        string path = PathOf(name);
        try
        {
            if (files.FileExists(path))
            {
                files.Delete(path);
                files.SyncDirectory(folder);
            }
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Translate(e, $"deleting {path}", ambiguous: true);
        }
    }

    public IReadOnlyList<string> List(string prefix)
    {
        try
        {
            var names = new List<string>();
            string start = FileNames.SafeStart(prefix);
            foreach (string fileName in files.ListFiles(folder))
            {
                if (FileNames.MayStartWith(fileName, start)
                    && (FileNames.TryFromFileName(fileName) ?? TryReadName(Path.Combine(folder, fileName))) is { } name
                    && name.StartsWith(prefix, StringComparison.Ordinal))
                {
                    names.Add(name);
                }
            }

            names.Sort(StringComparer.Ordinal);
            return names;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Translate(e, $"listing {folder}");
        }
    }

    private static NamedFileHeader ReadHeader(IFile file, string path)
    {
        Span<byte> start = stackalloc byte[512];
        int read = file.Read(start, 0);
        int size = read < NamedFileHeader.FixedSize ? read : NamedFileHeader.FixedSize + start[6] + (start[7] << 8);
        if (size <= read)
        {
            return NamedFileHeader.Parse(start[..read], NamedFileKind.Run, path);
        }

        byte[] all = new byte[size];
        return NamedFileHeader.Parse(all.AsSpan(0, file.Read(all, 0)), NamedFileKind.Run, path);
    }

    private string? TryReadName(string path)
    {
        try
        {
            using IFile file = files.Open(path, writable: false);
            return ReadHeader(file, path).Name;
        }
        catch (FileNotFoundException)
        {
            return null; // deleted meanwhile
        }
    }

    private string PathOf(string name) => Path.Combine(folder, FileNames.ToFileName(name));
}
