using System.Text.Json;
using Orleans.TestingHost;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>
/// Crashes with work that was not durable, on a real cluster; afterwards the journals are read, and what the operators
/// must have made of their inputs is computed anew and compared with what is there, void or not.
/// </summary>
public sealed class JournalOracleTests
{
    [Fact]
    public async Task After_crashes_the_journals_hold_exactly_what_follows_from_their_inputs_and_nothing_is_void_without_reason()
    {
        var storage = new InMemoryStorage(TimeSpan.FromMilliseconds(15));
        var sink = new MemorySink<PageReport>();
        await using StreamingCluster cluster = await StreamingCluster.StartAsync(
            3, storage, s => ClickCounting.Topology(s, sink), o => o.CheckpointEvery = TimeSpan.FromHours(1)); // So that nothing is trimmed.
        int published = 0;
        long lost = 0;
        for (int round = 0; round < 6 || (lost == 0 && round < 30); round++)
        {
            using var stop = new CancellationTokenSource();
            Task<int> publishing = PublishAsync(cluster, published, stop.Token);
            await Task.Delay(TimeSpan.FromMilliseconds(150), StreamingCluster.Cancel); // So that there is work under way; how much does not matter.
            InProcessSiloHandle victim = cluster.Silos[round % 3];
            lost += await StreamingCluster.EngineOf(victim).KillAsync(victim.Name, torn: round % 2 == 0);
            await stop.CancelAsync();
            published = await publishing;
            await cluster.ReadyAsync();
        }

        await cluster.QuietAsync();
        Click[] clicks = ClickCounting.Clicks(0, published);
        await ClickCounting.ShouldMatchAsync(cluster.StatesAsync, sink, clicks);
        lost.ShouldBeGreaterThan(0, "crashes lost records");

        Topology topology = cluster.Engine(0).Topology;
        StoredLog log = await StoredLog.ReadAsync(storage, StreamingCluster.Cancel);
        log.Seals.ShouldBeGreaterThanOrEqualTo(6);
        StreamDefinition inputs = topology.FindStream("clicks")!, views = topology.FindStream("views")!, reports = topology.FindStream("reports")!;
        OperatorDefinition byUser = topology.FindOperator(nameof(ClicksByUser))!, byPage = topology.FindOperator(nameof(ViewsByPage))!;

        Live(log.Of(inputs)).Count().ShouldBe(clicks.Length, "every click once");
        ShouldFollow(log, inputs, byUser, views, (row, _) => Same<Click, View>(topology, row, click => new View(click.Page, click.User, click.Number)));
        ShouldFollow(log, views, byPage, reports, (row, before) =>
        {
            View[] seen = [.. before.Select(b => Read<View>(topology, b.Payload))];
            return new PageReport(row.Key, seen.Length, seen.Sum(v => v.Number));
        });

        int voids = ShouldHaveReasons(log, inputs, byUser, views) + ShouldHaveReasons(log, views, byPage, reports);
        IReadOnlyList<Rollback> failures = (await cluster.Engine(0).ReportOfAllAsync()).Rollbacks;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{published} clicks, {lost} records lost, {voids} void, {failures.Sum(f => f.RolledBackGrains)} grains rolled back, {log.Seals} seals");
    }

    /// <summary>The outputs that are not void are, by name and content, those that a fold over the inputs that are not void gives.</summary>
    private static void ShouldFollow<TOutput>(
        StoredLog log, StreamDefinition from, OperatorDefinition op, StreamDefinition to, Func<StoredRow, IReadOnlyList<StoredRow>, TOutput> output)
    {
        var expected = new Dictionary<(string Grain, RecordName Name), string>();
        var seen = new Dictionary<(int, string), List<StoredRow>>();
        foreach (StoredRow row in Live(log.Of(from)))
        {
            List<StoredRow> before = seen.TryGetValue((row.Partition, row.Key), out List<StoredRow>? found) ? found : seen[(row.Partition, row.Key)] = [];
            before.Add(row);
            expected.Add((row.Key, new RecordName(row.Offset, 0)), JsonSerializer.Serialize(output(row, before), JsonSerializerOptions.Web));
        }

        var actual = new Dictionary<(string Grain, RecordName Name), string>();
        foreach (StoredRow row in Live(log.Of(to)).Where(r => r.Operator == op.Id))
        {
            actual.TryAdd((row.ProducerKey, row.Name), System.Text.Encoding.UTF8.GetString(row.Payload)).ShouldBeTrue($"{op.Name}/{row.ProducerKey}/{row.Name} is there once");
        }

        actual.Keys.Except(expected.Keys).ShouldBeEmpty($"outputs of {op.Name} without an input");
        expected.Keys.Except(actual.Keys).ShouldBeEmpty($"inputs of {op.Name} without their output");
        foreach (((string, RecordName) name, string content) in expected)
        {
            actual[name].ShouldBe(content, $"{op.Name}/{name}");
        }
    }

    /// <summary>An output is void only if the input that made it, or an earlier one of the same grain, is gone or void itself. Returns how many are.</summary>
    private static int ShouldHaveReasons(StoredLog log, StreamDefinition from, OperatorDefinition op, StreamDefinition to)
    {
        int count = 0;
        foreach (StoredRow row in log.Of(to).Where(r => r.IsVoid && r.Operator == op.Id))
        {
            count++;
            int source = PartitionId.Of(from, KeyHash.PartitionOf(KeyHash.Compute(System.Text.Encoding.UTF8.GetBytes(row.ProducerKey)), from.PartitionCount));
            StoredRow? input = log.At(source, row.Name.Input);
            bool reason = input is null || input.IsVoid
                || log.Partitions[source].Any(earlier => earlier.Key == row.ProducerKey && earlier.Offset < row.Name.Input && earlier.IsVoid);
            reason.ShouldBeTrue($"{op.Name}/{row.ProducerKey}/{row.Name} is void because of {row.Vector}, though nothing that it follows from was lost");
        }

        return count;
    }

    private static IEnumerable<StoredRow> Live(IEnumerable<StoredRow> rows) => rows.Where(r => !r.IsVoid && r.Kind == RecordKind.Event);

    private static TOutput Same<TInput, TOutput>(Topology topology, StoredRow row, Func<TInput, TOutput> output) => output(Read<TInput>(topology, row.Payload));

    private static T Read<T>(Topology topology, byte[] payload) => topology.Serializers.Get<T>().Read(payload);

    /// <summary>Publishes on all silos in turn until told to stop; returns how many there are then.</summary>
    private static async Task<int> PublishAsync(StreamingCluster cluster, int published, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Click[] next = ClickCounting.Clicks(published, 20);
            IngestAnswer answer = await cluster.Engine(published / 20 % 3).PublishAsync("clicks", next, "clicks", published + 1, StreamingCluster.Cancel);
            answer.Outcome.ShouldBe(IngestOutcome.Durable);
            published += 20;
        }

        return published;
    }
}
