using System.Buffers.Binary;
using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Records that change by compare-and-swap.</summary>
internal static class RecordCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("a-record-changes-by-compare-and-swap", "A record is written only by who names its present tag, and created only by who names none.", SwapsAsync),
        new("a-tag-belongs-to-one-version", "Each version has a tag of its own, also one with the content of an earlier version.", TagsAsync),
        new("one-of-several-swappers-wins", "Of several that swap from the same tag at once exactly one wins, and its content is there.", OneWinsAsync),
        new("no-swap-is-lost", "When several count up by compare-and-swap, none of their steps is lost.", CountAsync),
        new("records-survive-reopening", "A record and its tag survive reopening.", SurvivesAsync),
        new("records-of-any-size", "A record may be empty, and have a megabyte; the writer's memory is its own again.", SizesAsync),
    ];

    private static async Task SwapsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string name = trial.Name("partitions/r");
        await IsAsync(null, null, "there is no record before one is written").ConfigureAwait(false);
        trial.Equal(null, await SwapAsync("1", "x").ConfigureAwait(false), "a swap of a record that is not there fails when it names a tag");
        await IsAsync(null, null, "a swap that failed changes nothing").ConfigureAwait(false);
        string first = await MustSwapAsync(null, "one").ConfigureAwait(false);
        await IsAsync(first, "one", "a record is read as it was written").ConfigureAwait(false);
        trial.Equal(null, await SwapAsync(null, "x").ConfigureAwait(false), "a record that is there cannot be created");
        await IsAsync(first, "one", "a swap that failed changes nothing").ConfigureAwait(false);
        string second = await MustSwapAsync(first, "two").ConfigureAwait(false);
        trial.Equal(null, await SwapAsync(first, "x").ConfigureAwait(false), "a swap from the tag of an older version fails");
        await IsAsync(second, "two", "a swap that failed changes nothing").ConfigureAwait(false);

        async Task<string?> SwapAsync(string? tag, string content) =>
            await storage.SwapRecordAsync(name, tag, Encoding.UTF8.GetBytes(content), trial.Cancel).ConfigureAwait(false);

        async Task<string> MustSwapAsync(string? tag, string content)
        {
            string? next = await SwapAsync(tag, content).ConfigureAwait(false);
            trial.Require(next is not null, "a swap from the present tag wins", "a new tag", "null");
            return next!;
        }

        async Task IsAsync(string? tag, string? content, string clause)
        {
            StoredRecord? record = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
            trial.Equal(content, record is null ? null : Encoding.UTF8.GetString(record.Content.Span), clause);
            trial.Equal(tag, record?.Tag, "a record is read with the tag that its writer was given");
        }
    }

    private static async Task TagsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string name = trial.Name("r");
        var tags = new HashSet<string>();
        string? tag = null;
        for (int i = 0; i < 6; i++)
        {
            string? next = await storage.SwapRecordAsync(name, tag, "same"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
            trial.Require(next is not null && tags.Add(next), "each version has a tag of its own", "a new tag", next ?? "null");
            trial.Equal(null, await storage.SwapRecordAsync(name, tag, "x"u8.ToArray(), trial.Cancel).ConfigureAwait(false), "a swap from the tag of an older version fails");
            tag = next;
        }
    }

    private static async Task OneWinsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        string name = trial.Name("r");
        string? tag = null;
        for (int round = 0; round < 15; round++)
        {
            string? from = tag;
            string?[] tags = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
                await (i % 2 == 0 ? storage : other).SwapRecordAsync(name, from, new[] { (byte)round, (byte)i }, trial.Cancel).ConfigureAwait(false)))).ConfigureAwait(false);
            trial.Equal(1, tags.Count(won => won is not null), "of several that swap at once exactly one wins");
            int winner = Array.FindIndex(tags, won => won is not null);
            tag = tags[winner];
            foreach (IStorage reader in new[] { storage, other })
            {
                StoredRecord? record = await reader.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
                trial.Equal(tag, record?.Tag, "the tag is that of the winner");
                trial.Bytes([(byte)round, (byte)winner], record!.Content.Span, "the content is that of the winner");
            }
        }
    }

    private static async Task CountAsync(StorageTrial trial)
    {
        const int each = 12;
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        string name = trial.Name("cluster");
        int sure = 0, unknown = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            IStorage mine = i % 2 == 0 ? storage : other;
            for (int done = 0; done < each;)
            {
                StoredRecord? record = await mine.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
                byte[] next = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(next, (record is null ? 0 : BinaryPrimitives.ReadInt32LittleEndian(record.Content.Span)) + 1);
                try
                {
                    if (await mine.SwapRecordAsync(name, record?.Tag, next, trial.Cancel).ConfigureAwait(false) is not null)
                    {
                        Interlocked.Increment(ref sure);
                        done++;
                    }
                }
                catch (StorageException e) when (e.Ambiguous)
                {
                    Interlocked.Increment(ref unknown);
                    done++;
                }
            }
        }))).ConfigureAwait(false);
        StoredRecord? last = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
        int counted = BinaryPrimitives.ReadInt32LittleEndian(last!.Content.Span);
        trial.Require(counted >= sure && counted <= sure + unknown, "no swap is lost, and none counts twice", $"{sure}, and {unknown} that may have taken effect", $"{counted}");
    }

    private static async Task SurvivesAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string name = trial.Name("r");
        string? tag = null;
        for (byte i = 1; i <= 4; i++)
        {
            tag = await storage.SwapRecordAsync(name, tag, new[] { i }, trial.Cancel).ConfigureAwait(false);
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            StoredRecord? record = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
            trial.Bytes([i], record is null ? [] : record.Content.Span, "a record survives reopening");
            trial.Equal(tag, record!.Tag, "a record's tag survives reopening");
        }
    }

    private static async Task SizesAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (int size in new[] { 0, 1, 70_000, 1 << 20 })
        {
            byte[] memory = new byte[size];
            new Random(size).NextBytes(memory);
            byte[] expected = [.. memory];
            string? tag = await storage.SwapRecordAsync(trial.Name($"{size}"), null, memory, trial.Cancel).ConfigureAwait(false);
            Array.Fill(memory, (byte)0xEE);
            StoredRecord? record = await storage.ReadRecordAsync(trial.Name($"{size}"), trial.Cancel).ConfigureAwait(false);
            trial.Require(record is not null, $"a record of {size} bytes is kept", "a record", "none");
            trial.Bytes(expected, record!.Content.Span, $"a record of {size} bytes is read as it was written");
            trial.Equal(tag, record.Tag, "a record is read with the tag that its writer was given");
        }
    }
}
