namespace OrleansStreaming.Core;

/// <summary>
/// Parts of runs that were read last, for all partitions of a silo: when many grains come back, one read serves thousands.
/// Used by the loop only.
/// </summary>
internal sealed class WindowCache(long budget)
{
    private readonly Dictionary<(CheckpointRun Run, int First), LinkedListNode<RunWindow>> _windows = [];
    private readonly LinkedList<RunWindow> _byUse = new();
    private long _bytes;

    public RunWindow? Find(CheckpointRun run, int first)
    {
        if (!_windows.TryGetValue((run, first), out LinkedListNode<RunWindow>? node))
        {
            return null;
        }

        if (node != _byUse.First)
        {
            _byUse.Remove(node);
            _byUse.AddFirst(node);
        }

        return node.Value;
    }

    public void Add(RunWindow window)
    {
        if (window.ResidentBytes <= budget && !_windows.ContainsKey((window.Run, window.First)))
        {
            _windows.Add((window.Run, window.First), _byUse.AddFirst(window));
            _bytes += window.ResidentBytes;
            while (_bytes > budget)
            {
                Remove(_byUse.Last!);
            }
        }
    }

    /// <summary>Runs are gone, and with them what was read of them.</summary>
    public void Forget(Predicate<CheckpointRun> gone)
    {
        for (LinkedListNode<RunWindow>? node = _byUse.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (gone(node.Value.Run))
            {
                Remove(node);
            }
        }
    }

    private void Remove(LinkedListNode<RunWindow> node)
    {
        _byUse.Remove(node);
        _windows.Remove((node.Value.Run, node.Value.First));
        _bytes -= node.Value.ResidentBytes;
    }
}
