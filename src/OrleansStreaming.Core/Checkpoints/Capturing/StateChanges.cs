using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>
/// Finds what has changed between two encodings of a state: the chunks that are not where they were, or, behind the one place
/// where most bytes were put in or taken out, not where that would have moved them.
/// </summary>
/// <param name="limit">Changes must be shorter.</param>
internal sealed class StateChanges(int limit)
{
    private readonly ArrayBufferWriter<byte> _written = new(256);

    /// <summary>Bytes that are kept since the last change.</summary>
    private int _kept;
    private int _oldEnd;
    private int _newEnd;

    /// <summary>The changes, as they are stored.</summary>
    public ReadOnlySpan<byte> Written => _written.WrittenSpan;

    /// <summary>Finds the changes; false when they are not shorter than the limit.</summary>
    /// <param name="old">Of the old encoding.</param>
    /// <param name="now">Of the new encoding, in chunks of the same length.</param>
    /// <param name="state">The new encoding.</param>
    public bool TryFind(StateSignature old, StateSignature now, ReadOnlySpan<byte> state)
    {
        ReadOnlySpan<ulong> before = old.Hashes.AsSpan(0, old.Count), after = now.Hashes.AsSpan(0, now.Count);
        int moved = now.Length - old.Length, split = before.Length;
        bool[] hasMoved = [];
        if (moved != 0)
        {
            hasMoved = ArrayPool<bool>.Shared.Rent(before.Length);
            split = FindSplit(old, before, after, state, moved, hasMoved);
        }

        bool found = true;
        for (int i = 0; found && i < Math.Min(split, after.Length);)
        {
            int same = Math.Min(split - i, before[i..].CommonPrefixLength(after[i..]));
            found = same == 0 || Keep(i * old.ChunkBytes, old.EndOf(i + same - 1), 0, state);
            i += same + 1;
        }

        for (int i = split; found && i < before.Length; i++)
        {
            found = !hasMoved[i] || Keep(i * old.ChunkBytes, old.EndOf(i), moved, state);
        }

        if (moved != 0)
        {
            ArrayPool<bool>.Shared.Return(hasMoved);
        }

        return found && Keep(old.Length, old.Length, moved, state);
    }

    /// <summary>The chunk from which on most are found where the change of the length has moved them.</summary>
    private static int FindSplit(StateSignature old, ReadOnlySpan<ulong> before, ReadOnlySpan<ulong> after, ReadOnlySpan<byte> state, int moved, bool[] hasMoved)
    {
        int best = before.Length, most = 0, more = 0;
        for (int i = before.Length - 1, first = before.CommonPrefixLength(after); i >= first; i--)
        {
            int from = i * old.ChunkBytes;
            hasMoved[i] = from + moved >= 0 && old.IsSame(i, state[(from + moved)..(old.EndOf(i) + moved)]);
            more += (hasMoved[i] ? 1 : 0) - (i < after.Length && before[i] == after[i] ? 1 : 0);
            if (more > most)
            {
                (best, most) = (i, more);
            }
        }

        return best;
    }

    /// <summary>Bytes of the old state are there in the new one; what lies between them and those before is a change.</summary>
    private bool Keep(int from, int end, int moved, ReadOnlySpan<byte> state)
    {
        int to = from + moved;
        if (to < _newEnd)
        {
            return true; // Bytes were taken out: what was kept before is there already.
        }

        if (from > _oldEnd || to > _newEnd)
        {
            ReadOnlySpan<byte> added = state[_newEnd..to];
            if (_written.WrittenCount + (long)added.Length >= limit)
            {
                return false;
            }

            Span<byte> change = _written.GetSpan(20 + added.Length);
            int at = 0;
            Varint.Write(change, ref at, (uint)_kept);
            Varint.Write(change, ref at, (uint)(from - _oldEnd));
            Varint.WriteBytes(change, ref at, added);
            _written.Advance(at);
            _kept = 0;
        }

        _kept += end - from;
        _oldEnd = end;
        _newEnd = end + moved;
        return true;
    }
}
