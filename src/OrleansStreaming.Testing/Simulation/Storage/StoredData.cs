using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What lies in storage: it outlives every silo.</summary>
internal sealed class StoredData
{
    private long _tags;

    public Dictionary<string, StoredJournal> Journals { get; } = [];

    public Dictionary<string, StoredRecord> Records { get; } = [];

    public Dictionary<string, byte[]> Runs { get; } = [];

    public string? Swap(string name, string? expectedTag, ReadOnlyMemory<byte> content)
    {
        Records.TryGetValue(name, out StoredRecord? now);
        if (now?.Tag != expectedTag && !(SimulationMutations.SwapAnyVersion && IsSameOwner(name, now, content)))
        {
            return null;
        }

        string tag = $"t{++_tags}";
        Records[name] = new StoredRecord(tag, content.ToArray());
        return tag;
    }

    private static bool IsSameOwner(string name, StoredRecord? now, ReadOnlyMemory<byte> next) =>
        now is not null && name != ClusterRecord.RecordName
        && PartitionManifest.Parse(name, now.Content.Span).Owner is { } owner && PartitionManifest.Parse(name, next.Span).Owner is { } writer
        && owner.Epoch == writer.Epoch && owner.Journal == writer.Journal;
}
