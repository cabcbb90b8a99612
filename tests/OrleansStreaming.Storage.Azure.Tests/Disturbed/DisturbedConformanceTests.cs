using System.Collections.Concurrent;
using System.Globalization;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>
/// The contract while requests are disturbed. The storage may say that it has failed: then a case proves nothing, and is tried
/// under another seed. What it must not do is to say something wrong.
/// </summary>
public sealed class DisturbedConformanceTests(Azurite azurite)
{
    private const int Attempts = 5;

    /// <summary>Hundreds of requests that show nothing new here; and a process that is dead needs a storage that gives up soon.</summary>
    private static readonly string[] LeftOut = ["names-are-exact", "large-frames", "runs-of-any-size", "any-part-of-a-run-is-read", "a-list-is-of-now", "reads-stay-in-their-range"];

    /// <summary>By hand: more seeds for each case, or one case.</summary>
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("DISTURBED_SEEDS") ?? "1", CultureInfo.InvariantCulture);

    private static readonly string? Only = Environment.GetEnvironmentVariable("DISTURBED_CASE");

    [Fact]
    public async Task Blobs_keep_the_contract_in_a_bad_hour()
    {
        var gaveUp = new ConcurrentDictionary<string, int>();
        var counts = new ConcurrentDictionary<string, int>();
        StorageConformanceCase[] cases =
        [
            .. StorageConformance.For(AzuriteUnderTest.All & ~StorageAbilities.Crashes).Where(c => Only is null ? Seeds > 1 || !LeftOut.Contains(c.Name) : c.Name == Only),
        ];
        await Parallel.ForEachAsync(cases.SelectMany(c => Enumerable.Range(0, Seeds).Select(n => (Case: c, Number: n))), new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (each, _) =>
        {
            int first = ((int)Crc32C.Compute(System.Text.Encoding.UTF8.GetBytes(each.Case.Name)) & 0xFFFFFF) + each.Number;
            for (int attempt = 0; !await RunAsync(each.Case, first + (attempt << 24), counts); attempt++)
            {
                gaveUp.AddOrUpdate(each.Case.Name, 1, (_, count) => count + 1);
                attempt.ShouldBeLessThan(Attempts, $"{each.Case} gives up too often, from seed {first} on");
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", counts.OrderBy(c => c.Key).Select(c => $"{c.Key} {c.Value}")));
        TestContext.Current.TestOutputHelper?.WriteLine($"gave up: {string.Join(", ", gaveUp.Select(c => $"{c.Key} {c.Value}"))}");
        FaultRates.BadHour.ToList().Select(f => f.Name).Except(counts.Keys).Where(_ => Only is null).ShouldBeEmpty("every fault has happened");
    }

    private async Task<bool> RunAsync(StorageConformanceCase @case, int seed, ConcurrentDictionary<string, int> counts)
    {
        await using var faults = new RandomFaults(seed, FaultRates.BadHour);
        string container = azurite.NextContainer();
        await using var storage = new AzuriteUnderTest(azurite.ConnectionString, container, faults);
        try
        {
            await @case.RunAsync(storage, TestContext.Current.CancellationToken);
            return true;
        }
        catch (StorageException e) when (e.GetType() == typeof(StorageException))
        {
            // Not as damaged, not as sealed, not as full; and with the blob and what the service said.
            e.Message.ShouldContain(container, Case.Sensitive, $"{@case}, seed {seed}");
            e.Message.ShouldMatch("the service answered (409|429|500|503)|no answer", $"{@case}, seed {seed}");
            return false;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"{@case}, seed {seed}: {e.Message}\n{string.Join('\n', faults.Log)}", e);
        }
        finally
        {
            foreach ((string name, int count) in faults.Counts)
            {
                counts.AddOrUpdate(name, count, (_, before) => before + count);
            }
        }
    }
}
