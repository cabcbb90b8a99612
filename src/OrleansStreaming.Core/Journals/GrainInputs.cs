using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace OrleansStreaming.Core;

/// <summary>The highest input of the rows that the grains of one operator made of one partition.</summary>
internal struct GrainInput
{
    public int OperatorId;
    public int SourcePartition;
    public long Highest;
}

/// <summary>The inputs that the rows of a block were made of: the highest of each operator and partition.</summary>
internal struct GrainInputs
{
    /// <summary>With more, finding the right one for every row would cost more than reading the rows again.</summary>
    private const int Most = 32;
    private Few _few;
    private GrainInput[]? _more;
    private int _count;

    /// <summary>All of them.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<GrainInput> All => (_more ?? (ReadOnlySpan<GrainInput>)_few)[.._count];

    /// <summary>Notes an input. False when there are too many to know all.</summary>
    public bool TryNote(int operatorId, int sourcePartition, long input)
    {
        Span<GrainInput> room = _more ?? (Span<GrainInput>)_few;
        foreach (ref GrainInput known in room[.._count])
        {
            if (known.SourcePartition == sourcePartition && known.OperatorId == operatorId)
            {
                known.Highest = Math.Max(known.Highest, input);
                return true;
            }
        }

        if (_count == Most)
        {
            return false;
        }

        if (_count == room.Length)
        {
            _more = new GrainInput[Most];
            room.CopyTo(_more);
            room = _more;
        }

        room[_count++] = new GrainInput { OperatorId = operatorId, SourcePartition = sourcePartition, Highest = input };
        return true;
    }

    /// <summary>Forgets them, and keeps the memory.</summary>
    public void Clear() => _count = 0;

    /// <summary>
    /// Enough for the blocks of small frames, of which there are most, inside of them: an array of its own that an old block
    /// gets makes the collector look at the old block and its neighbours.
    /// </summary>
    [InlineArray(4)]
    private struct Few
    {
        private GrainInput _first;
    }
}
