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
    /// <summary>Writes a part; false when its changes would not be shorter than a limit.</summary>
    /// <param name="old">Of the encoding that a reader will have.</param>
    /// <param name="oldPosition">The position of the checkpoint that it is of.</param>
    /// <param name="now">Of the new encoding, in chunks of the same length.</param>
    /// <param name="state">The new encoding.</param>
    /// <param name="limit">The most bytes.</param>
    /// <param name="output">Where to.</param>
    public static bool TryWrite(StateSignature old, long oldPosition, StateSignature now, ReadOnlySpan<byte> state, int limit, ArrayBufferWriter<byte> output)
    {
        var changes = new StateChanges(limit);
        if (!changes.TryFind(old, now, state))
        {
            return false;
        }

        Span<byte> to = output.GetSpan(40 + changes.Written.Length);
        int at = 0;
        Varint.Write(to, ref at, (ulong)oldPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(to[at..], old.Sum);
        at += sizeof(uint);
        Varint.Write(to, ref at, (uint)state.Length);
        Varint.WriteBytes(to, ref at, changes.Written);
        output.Advance(at);
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
    /// <param name="moves">The number of parts that do not leave everything in its place.</param>
    public static byte[] Apply(string run, ReadOnlySpan<byte> parts, ReadOnlySpan<byte> old, long position, out int moves)
    {
        byte[] state = old.ToArray();
        int at = 0;
        moves = 0;
        try
        {
            while (at < parts.Length)
            {
                int start = at;
                long from = (long)Varint.Read(parts, ref at);
                uint sum = BinaryPrimitives.ReadUInt32LittleEndian(parts[at..]);
                at += sizeof(uint);
                int length = checked((int)Varint.Read(parts, ref at));
                ReadOnlySpan<byte> changes = Varint.ReadBytes(parts, ref at);

                // Each part names what it applies to. The sum of the last also tells that those before were applied rightly.
                bool first = start == 0;
                if ((first && from != position) || ((first || at == parts.Length) && sum != Crc32C.Compute(state)))
                {
                    throw new CorruptDataException(run, 0, $"what has changed since {new Offset(from)} does not apply to the checkpoint at {new Offset(position)}");
                }

                byte[] before = state;
                state = Apply(state, changes, length);
                moves += state == before ? 0 : 1;
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
}
