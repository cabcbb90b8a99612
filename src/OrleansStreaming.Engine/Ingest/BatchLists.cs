using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>Lists in which batches go to a silo, used again by those who have gone through them.</summary>
internal static class BatchLists
{
    private const int MaxSpare = 256;
    private static readonly ConcurrentQueue<List<IngestBatch>> Spare = new();

    public static List<IngestBatch> Take() => Spare.TryDequeue(out List<IngestBatch>? list) ? list : [];

    /// <summary>Nobody looks at it any more. What is not returned is collected.</summary>
    public static void Return(List<IngestBatch> list)
    {
        list.Clear();
        if (Spare.Count < MaxSpare)
        {
            Spare.Enqueue(list);
        }
    }
}
