using System.Text.Json;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Benchmarks.Tests;

/// <summary>Every scenario at a small size: it runs to its end, and its counts are exact. Nothing here looks at times.</summary>
public sealed class ScenarioTests
{
    private const string Small = "--keys 500 --events 20000 --runs 2";

    [Theory]
    [InlineData("")]
    [InlineData("--distribution zipf --variant string")]
    [InlineData("--variant json --feed source")]
    [InlineData("--silos 3 --hops 2")]
    public async Task Throughput_processes_and_releases_every_event_once(string options)
    {
        JsonElement json = await Benchmark.RunAsync($"throughput {Small} --verify {options}");
        const int Fed = 500 + (4 * 20_000) + (2 * 20_000); // Every key once, a warm-up of four repetitions, two repetitions.
        json.Number("fed").ShouldBe(Fed);
        json.Number("turns").ShouldBe(Fed * json.Number("hops"));
        json.Number("released").ShouldBe((Fed + 999) / 1000);
        json.Number("wrongStates").ShouldBe(0);
        foreach (string field in new[] { "eventsPerSecond", "cpuNsPerEvent", "rawAppendPerSecond", "ratio", "allocatedBytesPerEvent", "journalBytesPerEventByte" })
        {
            json.Number(field).ShouldBeGreaterThan(0, field);
        }

        if (options.Contains("--hops", StringComparison.Ordinal))
        {
            json.Number("foreignVectorPercent").ShouldBeInRange(0, 100);
            json.Number("foreignVectorPercentRemote").ShouldBeInRange(0, 100);
            json.Number("oneHopEventsPerSecond").ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public async Task On_blobs_every_event_counts_once_and_every_request_is_counted()
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        JsonElement json = await Benchmark.RunAsync($"throughput {Small} --verify --storage azurite");
        json.GetProperty("storage").GetString().ShouldBe("azurite");
        json.Number("turns").ShouldBe(json.Number("fed"));
        json.Number("wrongStates").ShouldBe(0);
        json.Number("requestsPerMillionEvents").ShouldBeGreaterThanOrEqualTo(1e6 / 20_000, "there is an append at least");
        const double Rounding = 0.0001;
        json.Number("dollarsPerMillionEvents").ShouldBeInRange(
            (0.065 / 10_000 * (1e6 / 20_000)) - Rounding, (0.065 / 10_000 * json.Number("requestsPerMillionEvents")) + Rounding);
        foreach (string field in new[] { "journalOfRawAppend", "statePerBatchEventsPerSecond", "ofStatePerBatch" })
        {
            json.Number(field).ShouldBeGreaterThan(0, field);
        }
    }

    [Fact]
    public async Task On_blobs_the_counts_of_a_recovery_are_those_of_the_oracle()
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        JsonElement json = await Benchmark.RunAsync("recovery --storage azurite --grains 1000 --rate 4000 --before-ms 1000 --after-ms 300 --runs 1 --verify");
        json.Number("wrongRuns").ShouldBe(0);
        json.Number("wrongGrains").ShouldBe(0);
        json.Number("rolledBackGrains").ShouldBe(json.Number("dependentGrains"));
    }

    [Fact]
    public async Task Latency_covers_every_depth_mode_and_flush_and_releases_every_event_once()
    {
        JsonElement json = await Benchmark.RunAsync("latency --depths 1 2 --rate 2000 --duration-ms 300 --warm-up-ms 100 --runs 1 --flush-ms 5");
        json.Number("wrong").ShouldBe(0);
        JsonElement[] results = [.. json.GetProperty("results").EnumerateArray()];
        results.Select(r => (r.GetProperty("flushMs").GetInt32(), r.GetProperty("mode").GetString(), r.GetProperty("depth").GetInt32())).ShouldBe(
        [
            (0, "speculative", 1), (0, "speculative", 2), (0, "strict", 1), (0, "strict", 2),
            (5, "speculative", 1), (5, "speculative", 2), (5, "strict", 1), (5, "strict", 2),
        ]);
        foreach (JsonElement result in results)
        {
            result.Number("p50Ms").ShouldBeGreaterThan(0);
            result.Number("p99Ms").ShouldBeGreaterThanOrEqualTo(result.Number("p50Ms"));
            result.Number("commitP50Ms").ShouldBeGreaterThan(result.Number("flushMs"));
            result.GetProperty("stages").EnumerateArray().Sum(s => s.Number("slowestMs")).ShouldBeGreaterThan(result.Number("p99Ms") * 0.999, "its parts make up the latency of the slowest");
        }
    }

    [Theory]
    [InlineData("exact")]
    [InlineData("global")]
    public async Task Recovery_counts_are_those_of_the_oracle(string mode)
    {
        JsonElement json = await Benchmark.RunAsync($"recovery --mode {mode} --grains 1000 --rate 4000 --before-ms 1000 --after-ms 300 --runs 2 --verify");
        json.Number("wrongRuns").ShouldBe(0);
        json.Number("wrongGrains").ShouldBe(0);
        json.Number("reactivatedGrains").ShouldBe(json.Number("reactivatedGrainsOracle"));
        json.Number("restoredEvents").ShouldBe(json.Number("restoredEventsOracle"));
        JsonElement[] policies = [.. json.GetProperty("policies").EnumerateArray()];
        policies.Select(p => p.GetProperty("mode").GetString()).ShouldBe(["exact", "silo", "global"]);
        policies[0].Number("rolledBackGrains").ShouldBe(json.Number("dependentGrains"));
        json.Number("rolledBackGrains").ShouldBe(policies[mode == "exact" ? 0 : 2].Number("rolledBackGrains"));
        json.Number("lostEvents").ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Checkpoint_leaves_every_large_state_as_it_must_be()
    {
        JsonElement json = await Benchmark.RunAsync("checkpoint --keys 500 --events 200000 --runs 2 --pages 4 --page-bytes 20000 --edits 1000 --seconds 0 --mib 1 2 --rounds 3 --every-ms 1 --target-ms 100");
        json.Number("wrongStates").ShouldBe(0);
        json.Number("smallWrittenBytesPerChangedByte").ShouldBeGreaterThan(0);
        json.GetProperty("results").EnumerateArray().Select(r => $"{r.GetProperty("states").GetString()} {r.GetProperty("mode").GetString()}").ShouldBe(
        [
            "small off", "small fixed", "small adaptive",
            "large off", "large fixed", "large adaptive",
            "rewritten large off", "rewritten large fixed", "rewritten large adaptive",
        ]);
        json.GetProperty("sizes").EnumerateArray().Select(r => r.GetProperty("mib").GetInt32()).ShouldBe([1, 2]);
        json.GetProperty("recoveries").EnumerateArray().Select(r => r.GetProperty("states").GetString()).ShouldBe(["small", "small", "large", "large"]);
    }

    /// <summary>Of more large states than there is memory for in copies, a checkpoint writes what has changed: bytes do not depend on how fast the machine is.</summary>
    [Fact]
    public async Task Checkpoints_of_large_states_write_what_has_changed()
    {
        JsonElement json = await Benchmark.RunAsync("checkpoint --parts bytes --mib 16 96 --rounds 3");
        json.Number("wrongStates").ShouldBe(0);
        foreach (JsonElement size in json.GetProperty("sizes").EnumerateArray())
        {
            size.Number("writtenBytesPerChangedByte").ShouldBeInRange(1, 2, $"{size}");
        }
    }

    [Fact]
    public async Task Open_finds_every_checkpoint()
    {
        JsonElement json = await Benchmark.RunAsync("open --grains 500 5000 --runs 2");
        json.Number("wrongStates").ShouldBe(0);
        json.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("grains").GetInt32()).ShouldBe([500, 5000]);
        foreach (string field in new[] { "openMs", "firstEventMs", "residentBytes" })
        {
            json.Number(field).ShouldBeGreaterThan(0, field);
        }
    }

    /// <summary>The whole process, with the feed and few grains, so that checkpoints hardly count: what it allocates does not depend on how fast the machine is.</summary>
    [Fact]
    public async Task An_event_allocates_no_more_than_its_budget()
    {
        const double Budget = 5; // About 1 measured, also on a machine with much else to do.

        // Where the disk falls behind, memory for the log grows in some repetitions, 40 bytes an event, until it has its budget: what an event itself allocates, it allocates in each.
        JsonElement json = await Benchmark.RunAsync("throughput --keys 1000 --events 2000000 --runs 5");
        json.Number("leastAllocatedBytesPerEvent").ShouldBeLessThan(Budget);
    }

    /// <summary>The same where each flush has few events: what belongs to a request, a flush and a write to a sink counts. New memory for the log comes on top when the machine is too busy to keep up.</summary>
    [Fact]
    public async Task An_event_of_a_small_flush_allocates_no_more_than_its_budget()
    {
        const double Budget = 400; // About 110 measured, 40 of it not for the log; 100 to 160 on a machine with much else to do.
        JsonElement json = await Benchmark.RunAsync("latency --depths 1 --rate 50000 --duration-ms 2000 --flush-ms 0 --runs 1");
        json.GetProperty("results")[0].Number("allocatedBytesPerEvent").ShouldBeLessThan(Budget);
    }

    [Theory]
    [InlineData("throughput --keys 0", "--keys is '0'")]
    [InlineData("recovery --mode all", "all")]
    [InlineData("latency --depths 9", "from 1 to 5")]
    public async Task A_mistake_on_the_command_line_is_named(string arguments, string expected)
    {
        (int exitCode, _, string errors) = await Benchmark.RunPlainAsync(arguments);
        exitCode.ShouldNotBe(0);
        errors.ShouldContain(expected);
    }

    [Fact]
    public async Task The_help_names_all_scenarios()
    {
        (int exitCode, string output, _) = await Benchmark.RunPlainAsync("--help");
        exitCode.ShouldBe(0);
        foreach (string scenario in new[] { "throughput", "latency", "recovery", "checkpoint", "open" })
        {
            output.ShouldContain(scenario);
        }
    }
}
