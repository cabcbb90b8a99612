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
        long expectedLength = header.Size + header.ContentLength + Count(header.ContentLength) * sizeof(uint);
        long fileLength = file.Length;
        if (header.ContentLength < 0 || fileLength != expectedLength)
        {
            throw new CorruptDataException(file.Path, fileLength, $"expected {expectedLength} bytes");
        }

        if (length == 0)
        {
            return default;
        }

        long firstBlock = offset / RunStore.BlockBytes;
        long blocks = Count(offset + length) - firstBlock;
        long from = firstBlock * RunStore.BlockBytes;
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)(Math.Min(header.ContentLength, from + (blocks * RunStore.BlockBytes)) - from));
        byte[] sums = new byte[blocks * sizeof(uint)];
        ReadAll(file, bytes, header.Size + from);
        ReadAll(file, sums, header.Size + header.ContentLength + (firstBlock * sizeof(uint)));
        for (int block = 0; block < blocks; block++)
        {
            ReadOnlySpan<byte> checkedBytes = bytes.AsSpan(block * RunStore.BlockBytes);
            checkedBytes = checkedBytes[..Math.Min(checkedBytes.Length, RunStore.BlockBytes)];
            if (Crc32C.Compute(checkedBytes) != BinaryPrimitives.ReadUInt32LittleEndian(sums.AsSpan(block * sizeof(uint))))
            {
                throw new CorruptDataException(
                    file.Path, header.Size + from + ((long)block * RunStore.BlockBytes), $"expected {checkedBytes.Length} bytes that match their checksum");
            }
        }

        return bytes.AsMemory((int)(offset - from), length);
    }

    private static long Count(long bytes) => (bytes + RunStore.BlockBytes - 1) / RunStore.BlockBytes;

    private static void ReadAll(IFile file, byte[] to, long position)
    {
        int read = file.Read(to, position);
        if (read < to.Length)
        {
            throw new CorruptDataException(file.Path, position + read, $"expected {to.Length - read} bytes more");
        }
    }
}
