using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Names of journals, records and runs.</summary>
internal static class NameCases
{
    /// <summary>Each must stay apart from all others.</summary>
    private static readonly string[] Awkward =
    [
        "a", "A", "aA", "a/b", "a/b/c", "a/", "/a", "a//b", "a.b", "a.", ".a", "..", "../a", "./a", "a b", "a ", " a", "con", "NUL", "com1.x", "a%2Fb", "a%2fb", "a%41", "%", "a+b",
        "a\\b", "a?b#c", "a:b*c", "a|b<c>\"", "~a", "a&b=c;d", "\u00E9", "e\u0301", "\u65E5\u672C", "\U0001F600", "a\tb", "$x", "{a}", "'",
    ];

    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("names-are-exact", "Names that differ only in case, dots, spaces, slashes, escapes or Unicode form are different names.", ExactAsync),
        new("long-names", "Names of 200 bytes that differ in their last character only are different names.", LongAsync),
        new("each-kind-has-names-of-its-own", "A journal, a record and a run may have the same name.", KindsAsync),
    ];

    private static async Task ExactAsync(StorageTrial trial)
    {
        string[] names = [.. Awkward.Select(trial.Name), .. Awkward.Select(name => name + trial.Name(""))];
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (string name in names)
        {
            string? tag = await storage.SwapRecordAsync(name, null, Encoding.UTF8.GetBytes(name), trial.Cancel).ConfigureAwait(false);
            trial.Require(tag is not null, "different names are different records", $"no record '{name}'", "there is one");
            await storage.WriteRunAsync(name, Encoding.UTF8.GetBytes(name), trial.Cancel).ConfigureAwait(false);
        }

        // From the last on: a name that is the beginning of another one comes after it.
        foreach (string name in Awkward.Select(trial.Name).Reverse())
        {
            JournalUnderTest journal = await JournalUnderTest.CreateAsync(trial, storage, name).ConfigureAwait(false);
            await journal.AppendAsync().ConfigureAwait(false);
        }

        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        foreach (string name in names)
        {
            StoredRecord? record = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
            trial.Equal(name, record is null ? null : Encoding.UTF8.GetString(record.Content.Span), "different names are different records");
            await RunCases.IsAsync(trial, storage, name, Encoding.UTF8.GetBytes(name), "different names are different runs").ConfigureAwait(false);
        }

        foreach (string name in Awkward.Select(trial.Name))
        {
            await JournalUnderTest.HoldsAsync(trial, storage, name, 1, 1, $"different names are different journals: '{name}'").ConfigureAwait(false);
        }

        IReadOnlyList<string> listed = await storage.ListRunsAsync("", trial.Cancel).ConfigureAwait(false);
        trial.Sequence(
            names.Order(StringComparer.Ordinal), listed.Where(name => name.Contains(trial.Id, StringComparison.Ordinal)).Order(StringComparer.Ordinal), "runs are listed by their names");
    }

    private static async Task LongAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string[] names = [.. new[] { 'a', 'A', 'b' }.Select(last => trial.Name("").PadRight(199, 'N') + last), trial.Name("x/") + string.Concat(Enumerable.Repeat("\u65E5/", 46)) + "z"];
        foreach (string name in names)
        {
            await storage.SwapRecordAsync(name, null, Encoding.UTF8.GetBytes(name), trial.Cancel).ConfigureAwait(false);
            await storage.WriteRunAsync(name, Encoding.UTF8.GetBytes(name), trial.Cancel).ConfigureAwait(false);
            JournalUnderTest journal = await JournalUnderTest.CreateAsync(trial, storage, name).ConfigureAwait(false);
            await journal.AppendAsync().ConfigureAwait(false);
        }

        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        foreach (string name in names)
        {
            StoredRecord? record = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
            trial.Equal(name, record is null ? null : Encoding.UTF8.GetString(record.Content.Span), "long names are different names");
            await RunCases.IsAsync(trial, storage, name, Encoding.UTF8.GetBytes(name), "long names are different names").ConfigureAwait(false);
            await JournalUnderTest.HoldsAsync(trial, storage, name, 1, 1, "long names are different names").ConfigureAwait(false);
        }

        trial.Sequence(names.Order(StringComparer.Ordinal), (await storage.ListRunsAsync(trial.Name(""), trial.Cancel).ConfigureAwait(false)).Order(StringComparer.Ordinal), "runs with long names are listed by them");
    }

    private static async Task KindsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage, "x").ConfigureAwait(false);
        await journal.AppendAsync(3).ConfigureAwait(false);
        string? tag = await storage.SwapRecordAsync(journal.Name, null, "record"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(journal.Name, "run"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
        await journal.HoldsAsync(1, 3, "journals have names of their own").ConfigureAwait(false);
        trial.Equal(tag, (await storage.ReadRecordAsync(journal.Name, trial.Cancel).ConfigureAwait(false))?.Tag, "records have names of their own");
        await storage.DeleteRunAsync(journal.Name, trial.Cancel).ConfigureAwait(false);
        await journal.SealAsync().ConfigureAwait(false);
        await storage.TrimJournalAsync(journal.Name, long.MaxValue, trial.Cancel).ConfigureAwait(false);
        StoredRecord? record = await storage.ReadRecordAsync(journal.Name, trial.Cancel).ConfigureAwait(false);
        trial.Bytes("record"u8, record is null ? [] : record.Content.Span, "records have names of their own");
    }
}
