using System.Diagnostics.CodeAnalysis;

namespace OrleansStreaming.Core;

/// <summary>Blocks of a silo's logs that have been trimmed and wait to be used again.</summary>
internal sealed class SpareBlocks
{
    /// <summary>
    /// More than 100 MB of them. Small frames fill hundreds of thousands between two checkpoints, which become superfluous at
    /// once; with less room for them, new ones would be made all the time, and each collection would copy those.
    /// </summary>
    private const int Most = 1 << 19;
    private readonly Stack<LogBlock> _blocks = new();

    public bool TryPop([NotNullWhen(true)] out LogBlock? block) => _blocks.TryPop(out block);

    /// <summary>Takes a block that is no longer in any log, if it can be used again; lets go of its rows.</summary>
    public void Take(LogBlock block)
    {
        bool keep = block.IsRenewable && _blocks.Count < Most;
        block.Evict();
        if (keep)
        {
            _blocks.Push(block);
        }
    }
}
