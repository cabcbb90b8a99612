using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Orleans.Hosting;
using OrleansStreaming.Orleans.Tests;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What docs/orleans.md says about the provider is so.</summary>
public sealed partial class ProviderPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "orleans.md"));

    [Fact]
    public void Every_option_of_the_provider_is_listed_with_its_default()
    {
        var defaults = new StreamingProviderOptions();
        string[] page = [.. Option().Matches(Section("### StreamingProviderOptions")).Select(m => $"{m.Groups[1].Value} {m.Groups[2].Value}")];
        page.Order().ShouldBe(typeof(StreamingProviderOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => $"{p.Name} {Text(p.GetValue(defaults))}").Order());
    }

    [Fact]
    public void Every_known_failure_has_a_test()
    {
        string[] named = [.. Test().Matches(Section("### What users of other providers suffer")).Select(m => m.Groups[1].Value)];
        named.Length.ShouldBeGreaterThanOrEqualTo(13);
        named.ShouldBeSubsetOf(EngineTestList.Names.Select(n => n[(n.IndexOf('.') + 1)..]));
    }

    [Fact]
    public async Task What_cannot_work_keeps_a_silo_from_starting()
    {
        (await Should.ThrowAsync<Exception>(() => StartAsync(s => s.AddStreamingProvider("more", o => o.CacheEvents = 1)))).ToString().ShouldContain("CacheEvents");
        (await Should.ThrowAsync<Exception>(() => StartAsync(s => s.AddStreamingProvider("more", o => o.ReceiveWait = TimeSpan.FromHours(1))))).ToString().ShouldContain("ReceiveWait must be from zero to 30 s");
        (await Should.ThrowAsync<Exception>(() => StartAsync(s => s.AddStreamingProvider("more", o => o.Streams.Add("ordres"))))).ToString().ShouldContain("did you mean 'orders'?");
        (await Should.ThrowAsync<Exception>(() => StartAsync(s => s.AddStreamingProvider("more", configure: p => p.ConfigurePullingAgent(o => o.Configure(a => a.BatchContainerBatchSize = 2))))))
            .ToString().ShouldContain("BatchContainerBatchSize must be 1");
    }

    private static async Task StartAsync(Action<ISiloBuilder> configure)
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(configure: configure);
    }

    private static string Section(string heading)
    {
        int from = Page.IndexOf(heading, StringComparison.Ordinal);
        from.ShouldBeGreaterThan(0, heading);
        int to = Page.IndexOf("\n##", from + heading.Length, StringComparison.Ordinal);
        return to < 0 ? Page[from..] : Page[from..to];
    }

    private static string Text(object? value) => value switch
    {
        IList<string> => "all",
        int number => number.ToString("N0", CultureInfo.InvariantCulture),
        TimeSpan time => $"{time.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s",
        _ => value?.ToString() ?? "none",
    };

    [GeneratedRegex(@"^\| `(\w+)` \| ([^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex Option();

    [GeneratedRegex(@"`([A-Z][a-z]*_\w+)`")]
    private static partial Regex Test();
}
