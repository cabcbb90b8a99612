using System.Buffers;
using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>The blocks in which a run's content is checked.</summary>
internal static class RunBlocks
{
    public static byte[] Checksums(ReadOnlySpan<byte> content)
    {
        byte[] sums = new byte[Count(content.Length) * sizeof(uint)];
        for (int block = 0; block * sizeof(uint) < sums.Length; block++)
        {
            ReadOnlySpan<byte> bytes = content[(block * RunStore.BlockBytes)..];
            uint sum = Crc32C.Compute(bytes[..Math.Min(bytes.Length, RunStore.BlockBytes)]);
            BinaryPrimitives.WriteUInt32LittleEndian(sums.AsSpan(block * sizeof(uint)), sum);
        }

        return sums;
    }

    /// <summary>Reads a part of the content, checking every block that it touches.</summary>
    public static ReadOnlyMemory<byte> Read(IFile file, NamedFileHeader header, long offset, int length)
    {
        ThrowUnlessWhole(file, header);
        if (length == 0)
        {
            return default;
        }

        (long from, int count) = Around(header, offset, length);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(count);
        ReadChecked(file, header, from, bytes);
        return bytes.AsMemory((int)(offset - from), length);
    }

    /// <summary>As the other, into memory of the caller.</summary>
    public static void Read(IFile file, NamedFileHeader header, long offset, Span<byte> to)
    {
        ThrowUnlessWhole(file, header);
        if (to.IsEmpty)
        {
            return;
        }

        (long from, int count) = Around(header, offset, to.Length);
        byte[] rented = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            ReadChecked(file, header, from, rented.AsSpan(0, count));
            rented.AsSpan((int)(offset - from), to.Length).CopyTo(to);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static void ThrowUnlessWhole(IFile file, NamedFileHeader header)
    {
        long expectedLength = header.Size + header.ContentLength + Count(header.ContentLength) * sizeof(uint);
        long fileLength = file.Length;
        if (header.ContentLength < 0 || fileLength != expectedLength)
        {
            throw new CorruptDataException(file.Path, fileLength, $"expected {expectedLength} bytes");
        }
    }

    /// <summary>The whole blocks that a part touches.</summary>
    private static (long From, int Count) Around(NamedFileHeader header, long offset, int length)
    {
        long from = offset / RunStore.BlockBytes * RunStore.BlockBytes;
        return (from, (int)(Math.Min(header.ContentLength, Count(offset + length) * RunStore.BlockBytes) - from));
    }

    private static void ReadChecked(IFile file, NamedFileHeader header, long from, Span<byte> bytes)
    {
        long firstBlock = from / RunStore.BlockBytes, blocks = Count(bytes.Length);
        byte[] sums = new byte[blocks * sizeof(uint)];
        ReadAll(file, bytes, header.Size + from);
        ReadAll(file, sums, header.Size + header.ContentLength + (firstBlock * sizeof(uint)));
        for (int block = 0; block < blocks; block++)
        {
            ReadOnlySpan<byte> checkedBytes = bytes[(block * RunStore.BlockBytes)..];
            checkedBytes = checkedBytes[..Math.Min(checkedBytes.Length, RunStore.BlockBytes)];
            if (Crc32C.Compute(checkedBytes) != BinaryPrimitives.ReadUInt32LittleEndian(sums.AsSpan(block * sizeof(uint))))
            {
                throw new CorruptDataException(
                    file.Path, header.Size + from + ((long)block * RunStore.BlockBytes), $"expected {checkedBytes.Length} bytes that match their checksum");
            }
        }
    }

    private static long Count(long bytes) => (bytes + RunStore.BlockBytes - 1) / RunStore.BlockBytes;

    private static void ReadAll(IFile file, Span<byte> to, long position)
    {
        int read = file.Read(to, position);
        if (read < to.Length)
        {
            throw new CorruptDataException(file.Path, position + read, $"expected {to.Length - read} bytes more");
        }
    }
}
