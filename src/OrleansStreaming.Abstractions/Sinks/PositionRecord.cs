using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace OrleansStreaming;

/// <summary>
/// What a file sink has committed: 32 bytes, little-endian. Magic and version, ownership epoch, offset, length of the data
/// file, CRC-32C of the deployment's name, CRC-32C of all before it.
/// </summary>
/// <param name="Epoch">The ownership epoch of the writer.</param>
/// <param name="Offset">The position after the last event in the data file.</param>
/// <param name="Length">The length of the data file.</param>
/// <param name="Deployment">See <see cref="HashOf"/>; 0 when it is not known.</param>
internal readonly record struct PositionRecord(int Epoch, Offset Offset, long Length, uint Deployment)
{
    public const int Size = 32;

    private const uint MagicAndVersion = 0x31_50_53_4F; // "OSP1"

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, MagicAndVersion);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], Offset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[16..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[24..], Deployment);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[28..], Sum(destination[..28]));
    }

    /// <summary>Reads a record; null when the bytes are not one.</summary>
    public static PositionRecord? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != MagicAndVersion
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]) != Sum(bytes[..28]))
        {
            return null;
        }

        return new PositionRecord(
            BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
            new Offset(BinaryPrimitives.ReadInt64LittleEndian(bytes[8..])),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]));
    }

    /// <summary>The name of a deployment in four bytes: enough to notice a file that is left from another one.</summary>
    public static uint HashOf(string deployment) => deployment.Length == 0 ? 0 : Sum(Encoding.UTF8.GetBytes(deployment));

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in bytes)
        {
            sum = BitOperations.Crc32C(sum, b);
        }

        return ~sum;
    }
}
