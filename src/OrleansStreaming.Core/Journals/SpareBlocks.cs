using System.Diagnostics.CodeAnalysis;

namespace OrleansStreaming.Core;

/// <summary>Blocks of a silo's logs that have been trimmed and wait to be used again: at most some megabytes of them.</summary>
internal sealed class SpareBlocks
{
    private const int Most = 1 << 16;
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
