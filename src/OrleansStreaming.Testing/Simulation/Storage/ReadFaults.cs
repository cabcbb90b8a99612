using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Damages what is read, on its way from the medium: a bit is wrong, or the end is missing. As storage must, this one checks
/// frames and records itself; runs go to the protocol as they are, which must not take them silently.
/// </summary>
internal sealed class ReadFaults(SimulatedWorld world)
{
    private FaultRates Rates => world.Scenario.Rates;

    /// <summary>Reads frames, and refuses a damaged one.</summary>
    public void Check(string journal, List<StoredFrame> frames)
    {
        if (frames.Count == 0)
        {
            return;
        }

        StoredFrame frame = frames[world.Random.Below(frames.Count)];
        ReadOnlyMemory<byte> read = Damaged(journal, frame.Bytes);
        if (read.Span.SequenceEqual(frame.Bytes.Span))
        {
            return;
        }

        if (FrameHeader.TryRead(read.Span, out FrameHeader header, out string? error) && header.Matches(read.Span[FrameHeader.Size..]) && header.Lsn == frame.Lsn)
        {
            world.Fail("I1", $"a damaged frame {frame.Lsn} of {journal} passes for a whole one");
        }

        throw new CorruptDataException(journal, 0, error ?? "the body of the frame does not match its checksum");
    }

    /// <summary>Reads a record; its checksum tells.</summary>
    public void CheckRecord(string name)
    {
        if (world.Faults.Strikes(FaultKind.FlippedBit, Rates.FlippedBit))
        {
            world.Damaged.Add(name);
            throw new CorruptDataException(name, 0, "the content does not match its checksum");
        }
    }

    /// <summary>Bytes as they arrive.</summary>
    public ReadOnlyMemory<byte> Damaged(string name, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > 0 && world.Faults.Strikes(FaultKind.FlippedBit, Rates.FlippedBit))
        {
            world.Damaged.Add(name);
            byte[] copy = bytes.ToArray();
            copy[world.Random.Below(copy.Length)] ^= (byte)(1 << world.Random.Below(8));
            return copy;
        }

        if (bytes.Length > 0 && world.Faults.Strikes(FaultKind.ShortRead, Rates.ShortRead))
        {
            world.Damaged.Add(name);
            return bytes[..world.Random.Below(bytes.Length)];
        }

        return bytes;
    }
}
