using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Reads files that fit in memory.</summary>
internal static class SmallFile
{
    /// <summary>The content; null when there is no such file.</summary>
    public static byte[]? TryRead(IFileSystem files, string path)
    {
        if (!files.FileExists(path))
        {
            return null;
        }

        try
        {
            using IFile file = files.Open(path, writable: false);
            long length = file.Length;
            if (length > Array.MaxLength)
            {
                throw new CorruptDataException(path, 0, $"expected at most {Array.MaxLength} bytes, found {length}");
            }

            byte[] content = new byte[length];
            int read = file.Read(content, 0);
            return read == content.Length ? content : content[..read];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Translate(e, $"reading {path}");
        }
    }
}
