using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Listing runs.</summary>
internal static class RunListCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("runs-are-listed-by-prefix", "A list has every run whose name begins with the prefix, compared character by character, and no other.", PrefixAsync),
        new("a-list-is-of-now", "A list has what was written before it, and not what was deleted before it.", NowAsync),
        new("lists-beside-writers", "A list at the same time as writes and deletions has each run that was there throughout once.", BesideAsync),
    ];

    private static async Task PrefixAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string[] names = ["flights-3/4-17", "flights-3/4-18", "flights-3/40", "flights-30/1-1", "flights-3", "Flights-3/1", "flights-3/Ä", "flights-3/ä", "other/flights-3/1", "flights-3//1"];
        foreach (string name in names)
        {
            await storage.WriteRunAsync(trial.Name(name), new byte[1], trial.Cancel).ConfigureAwait(false);
        }

        for (int i = 0; i < 2; i++)
        {
            foreach (string prefix in new[] { "", "flights-3", "flights-3/", "flights-3/4", "flights-3/4-", "flights-3/4-17", "flights-3/4-170", "Fl", "flights-3/\u00E4", "flights-30/", "none/" })
            {
                trial.Sequence(
                    names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(trial.Name).Order(StringComparer.Ordinal),
                    (await storage.ListRunsAsync(trial.Name(prefix), trial.Cancel).ConfigureAwait(false)).Order(StringComparer.Ordinal), $"a list of '{prefix}'");
            }

            IReadOnlyList<string> all = await storage.ListRunsAsync("", trial.Cancel).ConfigureAwait(false);
            trial.Sequence(
                names.Select(trial.Name).Order(StringComparer.Ordinal), all.Where(name => name.StartsWith(trial.Id, StringComparison.Ordinal)).Order(StringComparer.Ordinal), "a list of all runs");
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }
    }

    private static async Task NowAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        var there = new SortedSet<string>(StringComparer.Ordinal);
        var random = new Random(7);
        for (int i = 0; i < 60; i++)
        {
            string name = trial.Name($"p/{random.Next(12)}");
            if (there.Contains(name) && random.Next(2) == 0)
            {
                await storage.DeleteRunAsync(name, trial.Cancel).ConfigureAwait(false);
                there.Remove(name);
            }
            else
            {
                await storage.WriteRunAsync(name, new byte[i], trial.Cancel).ConfigureAwait(false);
                there.Add(name);
            }

            IReadOnlyList<string> listed = await (i % 2 == 0 ? storage : other).ListRunsAsync(trial.Name("p/"), trial.Cancel).ConfigureAwait(false);
            trial.Sequence(there, listed.Order(StringComparer.Ordinal), "a list has what is there now");
        }
    }

    private static async Task BesideAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string[] kept = [.. Enumerable.Range(0, 15).Select(i => trial.Name($"p/{i:00}-kept"))];
        await Task.WhenAll(kept.Select(name => storage.WriteRunAsync(name, new byte[10], trial.Cancel).AsTask())).ConfigureAwait(false);
        Task changing = Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            for (int i = 0; i < 15; i++)
            {
                string name = trial.Name($"p/{i:00}-new{writer}");
                await storage.WriteRunAsync(name, new byte[10], trial.Cancel).ConfigureAwait(false);
                await storage.DeleteRunAsync(name, trial.Cancel).ConfigureAwait(false);
            }
        })));
        do
        {
            IReadOnlyList<string> listed = await storage.ListRunsAsync(trial.Name("p/"), trial.Cancel).ConfigureAwait(false);
            trial.Sequence(kept, listed.Where(name => name.EndsWith("-kept", StringComparison.Ordinal)).Order(StringComparer.Ordinal), "a list has each run that is there throughout once");
        }
        while (!changing.IsCompleted);
        await changing.ConfigureAwait(false);
        trial.Sequence(kept, (await storage.ListRunsAsync(trial.Name("p/"), trial.Cancel).ConfigureAwait(false)).Order(StringComparer.Ordinal), "runs that were deleted are not listed");
    }
}
