using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Finds what tells damage from a torn tail.</summary>
internal static class LaterFrames
{
    private const int ReadBytes = 1 << 20;

    /// <summary>Throws unless the bad frame at a cursor may be the torn tail of the last append.</summary>
    /// <param name="cursor">Stands before the bad frame.</param>
    /// <param name="file">The segment.</param>
    /// <param name="header">Its header.</param>
    /// <param name="provenLsn">The last frame that is known to belong here; 0 when unknown.</param>
    /// <param name="known">Nothing behind that was ever durable: there is nothing to look for.</param>
    /// <param name="error">What is wrong with the frame.</param>
    /// <exception cref="CorruptDataException">The frame was durable, and is damaged.</exception>
    public static void ThrowIfDamaged(FrameCursor cursor, IFile file, SegmentHeader header, long provenLsn, bool known, string error)
    {
        if (cursor.Lsn <= provenLsn)
        {
            throw new CorruptDataException(file.Path, cursor.Position, $"LSN {cursor.Lsn} belongs here and the journal goes on to LSN {provenLsn} at least: {error}");
        }

        if (!known && Prove(file, header, cursor.Position, cursor.Lsn, out long foundAt))
        {
            throw new CorruptDataException(file.Path, cursor.Position, $"LSN {cursor.Lsn} belongs here, as a later frame at byte {foundAt} proves: {error}");
        }
    }

    /// <summary>
    /// Whether anything behind a bad frame proves that the frame was once durable: the prefix of an append that began
    /// after the frame had been confirmed. Lengths cannot be trusted here, so every byte is looked at.
    /// </summary>
    /// <param name="file">The segment.</param>
    /// <param name="header">Its header.</param>
    /// <param name="from">Where the bad frame begins.</param>
    /// <param name="lsn">The LSN it should have.</param>
    /// <param name="foundAt">Where the proof is.</param>
    private static bool Prove(IFile file, SegmentHeader header, long from, long lsn, out long foundAt)
    {
        Span<byte> id = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(id, header.SegmentId);
        byte[] buffer = new byte[Math.Min(ReadBytes, Math.Max(0, header.Capacity - from))];
        for (long position = from; position + FramePrefix.Size <= header.Capacity;)
        {
            int read = file.Read(buffer, position);
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, read);
            for (int at = 0; bytes[at..].IndexOf(id) is >= 0 and int next; at += next + 1)
            {
                if (FramePrefix.TryRead(bytes[(at + next)..], position + at + next, header.SegmentId, out FramePrefix prefix, out _)
                    && prefix.ConfirmedLsn >= lsn)
                {
                    foundAt = position + at + next;
                    return true;
                }
            }

            // A prefix may lie across two reads.
            int advance = read - FramePrefix.Size + 1;
            if (advance <= 0)
            {
                break;
            }

            position += advance;
        }

        foundAt = -1;
        return false;
    }
}
