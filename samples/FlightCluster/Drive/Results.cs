using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using OrleansStreaming;

namespace FlightCluster.Drive;

/// <summary>What came out of the cluster, asked for over HTTP at any of its silos, or read from what the sink wrote.</summary>
internal sealed class Results(Cluster cluster, Folders folders)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly ParallelOptions AtOnce = new() { MaxDegreeOfParallelism = 8 };
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>The states of an operator's grains as JSON, by key, each when it has counted all of its flights and can no longer be lost.</summary>
    /// <exception cref="UserException">A grain has counted too many, or does not come to it in time.</exception>
    public async Task<IReadOnlyDictionary<string, string>> StatesAsync(string @operator, IEnumerable<KeyValuePair<string, long>> expected, CancellationToken cancellationToken)
    {
        var states = new ConcurrentDictionary<string, string>();
        await Parallel.ForEachAsync(expected, new ParallelOptions { MaxDegreeOfParallelism = AtOnce.MaxDegreeOfParallelism, CancellationToken = cancellationToken }, async (grain, cancel) =>
            states[grain.Key] = await StateAsync(@operator, grain.Key, grain.Value, cancel));
        return states;
    }

    /// <summary>What the silos did about failures, once all has recovered from that of one of them.</summary>
    /// <param name="silo">Which one; null for what there is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<Rollback>> RollbacksAsync(string? silo, CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<Rollback> all = (await cluster.Http.GetFromJsonAsync<Recovery>(new Uri(cluster.Urls[0], "/recovery"), cancellationToken))!.Rollbacks;
            if (silo is null || all.Any(r => r.Silo == silo && r.RecoveredMs is not null))
            {
                return all;
            }

            await PauseAsync($"the cluster has not recovered from the death of {silo}", cancellationToken);
        }
    }

    /// <summary>Waits until the sink has written as many reports as there are flights, and checks that each route has those from its first flight to its last, each once.</summary>
    /// <exception cref="UserException">One is missing, or is there twice.</exception>
    public async Task CheckReportsAsync(Expectation expectation, CancellationToken cancellationToken)
    {
        List<RouteReport> reports;
        while ((reports = ReadReports()).Count < expectation.Flights.Count)
        {
            await PauseAsync($"the sink has written {reports.Count} of {expectation.Flights.Count} reports", cancellationToken);
        }

        foreach (IGrouping<string, RouteReport> route in reports.GroupBy(r => r.Route))
        {
            if (!route.Select(r => r.Flights).Order().SequenceEqual(Enumerable.Range(1, (int)expectation.Routes[route.Key]).Select(n => (long)n)))
            {
                throw new UserException($"The reports of route {route.Key} are wrong: {string.Join(", ", route.Select(r => r.Flights))}");
            }
        }
    }

    private async Task<string> StateAsync(string @operator, string key, long flights, CancellationToken cancellationToken)
    {
        var query = new Uri(cluster.Urls[Random.Shared.Next(cluster.Urls.Count)], $"/operators/{@operator}/{Uri.EscapeDataString(key)}?consistency=stable");
        while (true)
        {
            using HttpResponseMessage answer = await cluster.Http.GetAsync(query, cancellationToken);
            string body = await answer.Content.ReadAsStringAsync(cancellationToken);
            string found = $"{(int)answer.StatusCode} {body}";
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                using var json = JsonDocument.Parse(body);
                JsonElement state = json.RootElement.GetProperty("state");
                long counted = state.GetProperty("count").GetInt64();
                if (counted == flights)
                {
                    return state.GetRawText();
                }

                if (counted > flights)
                {
                    throw new UserException($"{@operator} {key} has counted {counted} flights, and there are {flights}.");
                }
            }

            await PauseAsync($"{@operator} {key} has not counted its {flights} flights; {query} answers {found}", cancellationToken);
        }
    }

    private List<RouteReport> ReadReports()
    {
        List<RouteReport> reports = [];
        foreach (string file in Directory.Exists(folders.Reports) ? Directory.GetFiles(folders.Reports, "*.jsonl") : [])
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            string text = reader.ReadToEnd();
            reports.AddRange(text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries) // The last line may be being written.
                .Select(line => JsonSerializer.Deserialize(line, FlightJson.Default.RouteReport)!));
        }

        return reports;
    }

    private async Task PauseAsync(string stillMissing, CancellationToken cancellationToken)
    {
        if (Stopwatch.GetElapsedTime(_start) > Limit)
        {
            throw new UserException($"After {Limit.TotalSeconds:0} s {stillMissing}");
        }

        await Task.Delay(Poll, cancellationToken);
    }

    private sealed record Recovery(IReadOnlyList<Rollback> Rollbacks);
}
