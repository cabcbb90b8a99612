using System.Globalization;
using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>What lies in memory, for all instances that share it; guarded by its lock.</summary>
internal sealed class MemoryData(TimeSpan flushDelay)
{
    private long _lastTag;

    public Lock Lock { get; } = new();

    public TimeSpan FlushDelay { get; } = flushDelay;

    public Dictionary<string, MemoryJournal> Journals { get; } = [];

    public Dictionary<string, StoredRecord> Records { get; } = [];

    public Dictionary<string, byte[]> Runs { get; } = [];

    public MemoryJournal Create(string name)
    {
        var journal = new MemoryJournal(name);
        return Journals.TryAdd(name, journal) ? journal : throw new StorageException($"Journal {name} exists already; its name is never used again.");
    }

    /// <summary>A journal, which is made when it was never created: whoever seals it must find it again.</summary>
    public MemoryJournal JournalOf(string name)
    {
        if (!Journals.TryGetValue(name, out MemoryJournal? journal))
        {
            Journals.Add(name, journal = new MemoryJournal(name));
        }

        return journal;
    }

    public string? Swap(string name, string? expectedTag, ReadOnlyMemory<byte> content)
    {
        if (Records.GetValueOrDefault(name)?.Tag != expectedTag)
        {
            return null;
        }

        string tag = (++_lastTag).ToString(CultureInfo.InvariantCulture);
        Records[name] = new StoredRecord(tag, content.ToArray());
        return tag;
    }

    public void Write(string run, ReadOnlyMemory<byte> content) => Runs[run] = content.ToArray();

    public void Delete(string run) => Runs.Remove(run);
}
