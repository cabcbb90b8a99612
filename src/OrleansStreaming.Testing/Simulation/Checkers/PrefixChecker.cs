using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// I1: what a journal holds after a crash is a prefix of what was appended, byte for byte; and what is read of it is what
/// was written there.
/// </summary>
internal sealed class PrefixChecker(Oracle oracle) : Checker(oracle, "I1")
{
    /// <summary>Checksums of all frames that were handed to storage, by LSN from 1.</summary>
    private readonly Dictionary<string, List<ulong>> _handed = [];

    /// <summary>A silo asks for frames to be appended.</summary>
    public void Handed(string journal, IReadOnlyList<FrameToWrite> frames)
    {
        if (!_handed.TryGetValue(journal, out List<ulong>? sums))
        {
            _handed.Add(journal, sums = []);
        }

        foreach (FrameToWrite frame in frames)
        {
            byte[] bytes = [.. frame.Pieces.SelectMany(p => p.ToArray())];
            if (bytes.Length != frame.Length)
            {
                Fail($"frame {frame.Lsn} of {journal} should have {frame.Length} bytes but has {bytes.Length}");
            }

            ulong sum = KeyHash.Compute(bytes);
            if (frame.Lsn <= sums.Count)
            {
                // An append that found no space is repeated as it was.
                Require(sums[(int)frame.Lsn - 1] == sum, journal, frame.Lsn, "is appended again with another content");
            }
            else
            {
                Require(frame.Lsn == sums.Count + 1, journal, frame.Lsn, $"follows frame {sums.Count}");
                sums.Add(sum);
            }
        }
    }

    /// <summary>A frame reaches storage.</summary>
    public void Stored(string journal, long end, long lsn) => Require(lsn == end + 1, journal, lsn, $"is stored behind frame {end}");

    /// <summary>Frames were read, at a seal or for a reader.</summary>
    public void Read(string journal, IReadOnlyList<StoredFrame> frames)
    {
        List<ulong>? sums = _handed.GetValueOrDefault(journal);
        for (int i = 0; i < frames.Count; i++)
        {
            long lsn = frames[i].Lsn;
            Require(i == 0 || lsn == frames[i - 1].Lsn + 1, journal, lsn, "does not follow the one before it");
            Require(sums is not null && lsn <= sums.Count && sums[(int)lsn - 1] == KeyHash.Compute(frames[i].Bytes.Span), journal, lsn, "is not what was appended");
        }
    }

    private void Require(bool holds, string journal, long lsn, string otherwise)
    {
        if (!holds)
        {
            Fail($"frame {lsn} of {journal} {otherwise}");
        }
    }
}
