using System.Buffers;
using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// What has changed between two encodings of a state, and the one place that knows its bytes (docs/formats.md). A part names
/// the position and the sum of what it applies to, so that it is never applied to anything else. Parts that follow each
/// other are one list of changes, which is how merging makes one entry of several.
/// </summary>
internal static class StateDelta
{
    /// <summary>Equal bytes between two changes that are not worth a change of their own.</summary>
    private const int MinGap = 8;

    /// <summary>Writes a part; false when it would not be shorter than a limit.</summary>
    /// <param name="old">The encoding that a reader will have.</param>
    /// <param name="oldSum">Its CRC.</param>
    /// <param name="oldPosition">The position of the checkpoint that it is of.</param>
    /// <param name="now">The new encoding.</param>
    /// <param name="limit">The most bytes.</param>
    /// <param name="output">Where to.</param>
    public static bool TryWrite(ReadOnlySpan<byte> old, uint oldSum, long oldPosition, ReadOnlySpan<byte> now, int limit, ArrayBufferWriter<byte> output)
    {
        Span<byte> head = output.GetSpan(32);
        int at = 0;
        Varint.Write(head, ref at, (ulong)oldPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(head[at..], oldSum);
        at += sizeof(uint);
        Varint.Write(head, ref at, (uint)now.Length);
        var changes = new ArrayBufferWriter<byte>(256);
        if (!(old.Length == now.Length ? TryWriteRanges(old, now, limit, changes) : TryWriteMiddle(old, now, limit, changes)))
        {
            return false;
        }

        Varint.Write(head, ref at, (uint)changes.WrittenCount);
        output.Advance(at);
        output.Write(changes.WrittenSpan);
        return true;
    }

    /// <summary>Makes one list of several.</summary>
    /// <param name="newestFirst">The lists, the newest first.</param>
    public static byte[] Join(List<byte[]> newestFirst)
    {
        byte[] parts = new byte[newestFirst.Sum(p => p.Length)];
        int at = parts.Length;
        foreach (byte[] part in newestFirst)
        {
            at -= part.Length;
            part.CopyTo(parts, at);
        }

        return parts;
    }

    /// <summary>Applies all parts to a state.</summary>
    /// <param name="run">Where the parts come from, for errors.</param>
    /// <param name="parts">The parts, oldest first.</param>
    /// <param name="old">What they apply to.</param>
    /// <param name="position">The position of that.</param>
    /// <param name="count">The number of parts.</param>
    public static byte[] Apply(string run, ReadOnlySpan<byte> parts, ReadOnlySpan<byte> old, long position, out int count)
    {
        byte[] state = old.ToArray();
        int at = 0;
        count = 0;
        try
        {
            while (at < parts.Length)
            {
                long from = (long)Varint.Read(parts, ref at);
                uint sum = BinaryPrimitives.ReadUInt32LittleEndian(parts[at..]);
                at += sizeof(uint);
                int length = checked((int)Varint.Read(parts, ref at));
                ReadOnlySpan<byte> changes = Varint.ReadBytes(parts, ref at);

                // Each part names what it applies to. The sum of the last also tells that those before were applied rightly.
                bool first = count++ == 0;
                if ((first && from != position) || ((first || at == parts.Length) && sum != Crc32C.Compute(state)))
                {
                    throw new CorruptDataException(run, 0, $"what has changed since {new Offset(from)} does not apply to the checkpoint at {new Offset(position)}");
                }

                state = Apply(state, changes, length);
            }

            return state;
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(run, 0, $"what has changed of a state ends outside of itself at byte {at}: {e.Message}");
        }
    }

    /// <summary>Applies one part; in place where everything stays where it is.</summary>
    private static byte[] Apply(byte[] old, ReadOnlySpan<byte> changes, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, (long)old.Length + changes.Length);
        byte[] now = length == old.Length && KeepsPlaces(changes) ? old : new byte[length];
        int at = 0, from = 0, to = 0;
        while (at < changes.Length)
        {
            int copied = checked((int)Varint.Read(changes, ref at)), dropped = checked((int)Varint.Read(changes, ref at));
            ReadOnlySpan<byte> added = Varint.ReadBytes(changes, ref at);
            if (now != old)
            {
                old.AsSpan(from, copied).CopyTo(now.AsSpan(to));
            }

            added.CopyTo(now.AsSpan(to + copied));
            from = checked(from + copied + dropped);
            to += copied + added.Length;
        }

        ReadOnlySpan<byte> rest = old.AsSpan(from);
        if (now != old)
        {
            rest.CopyTo(now.AsSpan(to));
        }

        return to + rest.Length == length ? now : throw new ArgumentException($"{to + rest.Length} bytes instead of {length}");
    }

    private static bool KeepsPlaces(ReadOnlySpan<byte> changes)
    {
        for (int at = 0; at < changes.Length;)
        {
            Varint.Read(changes, ref at);
            ulong dropped = Varint.Read(changes, ref at);
            if (dropped != (uint)Varint.ReadBytes(changes, ref at).Length)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>States of one length: what is at the same place is compared.</summary>
    private static bool TryWriteRanges(ReadOnlySpan<byte> old, ReadOnlySpan<byte> now, int limit, ArrayBufferWriter<byte> changes)
    {
        int done = 0, start = old.CommonPrefixLength(now);
        while (start < now.Length)
        {
            int end = start + 1;
            for (int gap = 0; end + gap < now.Length && gap < MinGap;)
            {
                if (old[end + gap] == now[end + gap])
                {
                    gap++;
                }
                else
                {
                    end += gap + 1;
                    gap = 0;
                }
            }

            if (changes.WrittenCount + end - start >= limit)
            {
                return false;
            }

            WriteChange(changes, start - done, end - start, now[start..end]);
            done = end;
            start = end + old[end..].CommonPrefixLength(now[end..]);
        }

        return true;
    }

    /// <summary>States of different lengths: what they begin and end with alike is left out.</summary>
    private static bool TryWriteMiddle(ReadOnlySpan<byte> old, ReadOnlySpan<byte> now, int limit, ArrayBufferWriter<byte> changes)
    {
        int start = old.CommonPrefixLength(now), most = Math.Min(old.Length, now.Length) - start, same = 0;
        while (same < most && old[^(same + 1)] == now[^(same + 1)])
        {
            same++;
        }

        ReadOnlySpan<byte> added = now[start..^same];
        if (added.Length >= limit)
        {
            return false;
        }

        WriteChange(changes, start, old.Length - same - start, added);
        return true;
    }

    private static void WriteChange(ArrayBufferWriter<byte> changes, int copied, int dropped, ReadOnlySpan<byte> added)
    {
        Span<byte> to = changes.GetSpan(20 + added.Length);
        int at = 0;
        Varint.Write(to, ref at, (uint)copied);
        Varint.Write(to, ref at, (uint)dropped);
        Varint.WriteBytes(to, ref at, added);
        changes.Advance(at);
    }
}
