using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace OrleansStreaming.Core;

/// <summary>
/// What is kept of an encoded state to tell later what has changed of it: a hash of each of its chunks, an eighth of its
/// bytes or less. The hashes are of 64 bits and depend on a secret of the process, so that no event can be made up whose
/// change they would not show.
/// </summary>
/// <param name="Hashes">The hashes, in memory that is pooled; may be longer.</param>
/// <param name="ChunkBytes">The length of every chunk but the last.</param>
/// <param name="Length">The length of the state.</param>
/// <param name="Sum">The CRC of the state.</param>
internal sealed record StateSignature(ulong[] Hashes, int ChunkBytes, int Length, uint Sum)
{
    private static readonly ulong[] Secret = MakeSecret();

    /// <summary>The number of chunks.</summary>
    public int Count => CountOf(Length, ChunkBytes);

    public static int CountOf(int length, int chunkBytes) => (int)(((long)length + chunkBytes - 1) / chunkBytes);

    public static StateSignature Of(ReadOnlySpan<byte> state, int chunkBytes)
    {
        ulong[] hashes = ArrayPool<ulong>.Shared.Rent(CountOf(state.Length, chunkBytes));
        for (int i = 0, at = 0; at < state.Length; i++, at += chunkBytes)
        {
            hashes[i] = Hash(state.Slice(at, Math.Min(chunkBytes, state.Length - at)));
        }

        return new StateSignature(hashes, chunkBytes, state.Length, Crc32C.Compute(state));
    }

    /// <summary>Where a chunk ends.</summary>
    public int EndOf(int chunk) => (int)Math.Min(Length, (chunk + 1L) * ChunkBytes);

    /// <summary>Whether some bytes are those of a chunk.</summary>
    public bool IsSame(int chunk, ReadOnlySpan<byte> bytes) => Hashes[chunk] == Hash(bytes);

    /// <summary>Gives the memory back.</summary>
    public void Release() => ArrayPool<ulong>.Shared.Return(Hashes);

    /// <summary>Products of the input, each word of it disguised by the secret: as fast as memory, as one can begin before another has ended.</summary>
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> secret = Secret;
        ulong hash = (ulong)bytes.Length;
        while (bytes.Length >= 64)
        {
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes[..64]);
            ulong stripe = Mix(words[0] ^ secret[0], words[1] ^ secret[1])
                + Mix(words[2] ^ secret[2], words[3] ^ secret[3])
                + Mix(words[4] ^ secret[4], words[5] ^ secret[5])
                + Mix(words[6] ^ secret[6], words[7] ^ secret[7]);
            hash = Mix(hash ^ secret[8], stripe ^ secret[9]);
            bytes = bytes[64..];
        }

        while (bytes.Length >= 8)
        {
            hash = Mix(hash ^ secret[8], BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ secret[10]);
            bytes = bytes[8..];
        }

        ulong rest = 0;
        foreach (byte b in bytes)
        {
            rest = (rest << 8) | b;
        }

        return Mix(hash ^ secret[8], rest ^ secret[11]);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }

    private static ulong[] MakeSecret()
    {
        ulong[] secret = new ulong[12];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(secret.AsSpan()));
        return secret;
    }
}
