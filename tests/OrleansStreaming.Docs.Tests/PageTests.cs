using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using OrleansStreaming.Storage.Azure;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Docs.Tests;

/// <summary>What the pages say agrees with the code: examples are compiled, links lead somewhere, tables are complete.</summary>
public sealed partial class PageTests
{
    [Fact]
    public void Every_example_is_compiled()
    {
        string[][] sources = [.. Repository.SourceFiles("tests/OrleansStreaming.Docs.Tests/Examples").Select(f => File.ReadAllLines(f).Select(l => l.Trim()).ToArray())];
        Block[] blocks = [.. Repository.Pages.SelectMany(p => p.Blocks("csharp"))];
        blocks.Length.ShouldBeGreaterThan(20);
        foreach (Block block in blocks)
        {
            string[] wanted = [.. block.Lines.Select(l => l.Trim())];
            sources.ShouldContain(s => Contains(s, wanted), $"{block.Where} is in no file of Examples");
        }
    }

    [Fact]
    public void Blocks_have_a_language_that_is_checked()
    {
        foreach (Page page in Repository.Pages)
        {
            int known = new[] { "csharp", "bash", "json", "text" }.Sum(l => page.Blocks(l).Count());
            (Fence().Count(page.Text) / 2).ShouldBe(known, page.Path);
            foreach (Block json in page.Blocks("json"))
            {
                System.Text.Json.JsonDocument.Parse(string.Join('\n', json.Lines)).ShouldNotBeNull(json.Where);
            }
        }
    }

    [Fact]
    public void Links_lead_somewhere()
    {
        int links = 0;
        foreach (Page page in Repository.Pages)
        {
            foreach (Match match in Link().Matches(page.Prose))
            {
                links++;
                string[] target = match.Groups[1].Value.Split('#', 2);
                string path = target[0].Length == 0 ? page.Path
                    : Path.GetRelativePath(Repository.Root, Path.Combine(Repository.Root, Path.GetDirectoryName(page.Path)!, target[0])).Replace('\\', '/');
                File.Exists(Path.Combine(Repository.Root, path)).ShouldBeTrue($"{page.Path} links to {match.Groups[1].Value}");
                if (target.Length == 2)
                {
                    Headings(Repository.Page(path)).ShouldContain(target[1], $"{page.Path} links to {match.Groups[1].Value}");
                }
            }
        }

        links.ShouldBeGreaterThan(10);
        foreach (Page page in Repository.Pages.Skip(1))
        {
            Repository.Page("README.md").Text.ShouldContain($"({page.Path})", Case.Sensitive, $"{page.Path} cannot be found from the README");
        }
    }

    [Fact]
    public void Files_and_classes_that_are_named_exist()
    {
        string sources = Repository.Sources("src");
        foreach (Page page in Repository.Pages)
        {
            foreach (Match match in Code().Matches(page.Text))
            {
                foreach (Match name in Quoted().Matches(match.Value))
                {
                    string text = name.Groups[1].Value.TrimEnd('/');
                    string last = text.EndsWith(".cs", StringComparison.Ordinal) ? text : text.Split('.')[^1];
                    bool isFile = last.EndsWith(".cs", StringComparison.Ordinal) || text.Contains('/') || Directory.Exists(Path.Combine(Repository.Root, "src/OrleansStreaming.Core", text));
                    bool found = isFile
                        ? Repository.SourceFiles("src").Any(f => Regex.IsMatch(f.Replace('\\', '/'), "/" + Regex.Escape(text).Replace("\\*", "[^/]*") + "(/|$)"))
                        : Regex.IsMatch(sources, $@"\b{last}\b");
                    found.ShouldBeTrue($"{page.Path}: {text}");
                }
            }
        }

        foreach (string[] row in Repository.Page("docs/protocol.md").Table("Invariants"))
        {
            foreach (Match name in Quoted().Matches(row[2]))
            {
                string text = name.Groups[1].Value;
                (text.EndsWith(".cs", StringComparison.Ordinal)
                    ? Repository.SourceFiles("src").Any(f => Path.GetFileName(f) == text)
                    : Regex.IsMatch(sources, $@"\b{text.Split('.')[^1]}\b")).ShouldBeTrue($"invariant {row[0]}: {text}");
            }
        }
    }

    [Fact]
    public void Every_log_event_is_listed()
    {
        var code = new SortedDictionary<int, string>();
        foreach (Match match in LogMessage().Matches(Repository.Sources("src")))
        {
            code.Add(int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture), match.Groups["level"].Success ? match.Groups["level"].Value : "Warning");
        }

        code.Count.ShouldBe(Regex.Count(Repository.Sources("src"), @"\[LoggerMessage\("), "an attribute is written in a way that this test does not read");
        Dictionary<int, string> page = Repository.Page("docs/operations.md").Table("Log events").ToDictionary(r => int.Parse(r[0], CultureInfo.InvariantCulture), r => r[1]);
        page.OrderBy(p => p.Key).ShouldBe(code);
    }

    [Theory]
    [InlineData(typeof(StreamingOptions))]
    [InlineData(typeof(OperatorOptions))]
    [InlineData(typeof(FileStorageOptions))]
    [InlineData(typeof(AzureBlobStorageOptions))]
    public void Every_option_is_listed_with_its_default(Type type)
    {
        object defaults = Activator.CreateInstance(type)!;
        Dictionary<string, string> code = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).ToDictionary(p => $"`{p.Name}`", p => Text(p, p.GetValue(defaults)));
        Dictionary<string, string> page = Repository.Page("docs/operations.md").Table(type.Name).ToDictionary(r => r[0], r => r[1]);
        page.OrderBy(p => p.Key).ShouldBe(code.OrderBy(p => p.Key));
    }

    [Fact]
    public void Every_metric_is_listed()
    {
        string source = string.Concat(
            new[] { "OrleansStreaming.Engine/Diagnostics/StreamingMetrics.cs", "OrleansStreaming.Storage.Azure/Requests/RequestCounter.cs" }
                .Select(f => File.ReadAllText(Path.Combine(Repository.Root, "src", f))));
        Repository.Page("docs/operations.md").Table("Metrics").Select(r => r[0].Trim('`')).Order()
            .ShouldBe(Metric().Matches(source).Select(m => m.Groups[1].Value).Where(n => n is not ("streaming.silo.name" or "streaming.storage.request")).Distinct().Order());
    }

    [Fact]
    public void Every_problem_and_every_endpoint_is_listed()
    {
        string source = Repository.Sources("src/OrleansStreaming.AspNetCore");
        Page page = Repository.Page("docs/http.md");
        page.Table("Problems").Select(r => r[0].Trim('`')).Order().ShouldBe(Problem().Matches(source).Select(m => m.Groups[1].Value).Distinct().Order());
        page.Table("Endpoints").Select(r => r[0].Trim('`').Split(' ')[1]).Order()
            .ShouldBe(Endpoint().Matches(source).Select(m => m.Groups[1].Value).Distinct().Order());
    }

    [Theory]
    [InlineData("Segment header", 64)]
    [InlineData("Frame prefix", 24)]
    [InlineData("Frame header", 32)]
    [InlineData("Block", 30)]
    [InlineData("Fence and trimmed mark", 20)]
    [InlineData("Record and run files", 32)]
    [InlineData("Footer of a checkpoint run", 52)]
    [InlineData("Archive", 48)]
    [InlineData("Footer of an archive", 20)]
    [InlineData("Header of a segment in a blob", 64)]
    [InlineData("JSON lines sink", 32)]
    [InlineData("State of a grain", 12)]
    public void Byte_tables_leave_no_gap(string heading, int size)
    {
        int at = 0;
        foreach (string[] row in Repository.Page("docs/formats.md").Table(heading))
        {
            int.Parse(row[0], CultureInfo.InvariantCulture).ShouldBe(at, row[2]);
            at += int.Parse(row[1], CultureInfo.InvariantCulture);
        }

        at.ShouldBe(size);
    }

    [Fact]
    public async Task Stored_files_begin_as_the_tables_say()
    {
        using var folder = new TestFolder();
        await using (ExampleApp app = await ExampleApp.StartAsync(folder["data"], s => Examples.SeveralInputs.Topology.AddSettlement(s)
            .AddSink<Examples.SeveralInputs.Settled>(from: "settled", _ => new JsonLinesSink<Examples.SeveralInputs.Settled>(folder["output"]))))
        {
            await app.Engine.PublishAsync("orders", [new Examples.SeveralInputs.Order("o", 1)], "p", 1, ExampleApp.Cancel);
            await app.Engine.PublishAsync("payments", [new Examples.SeveralInputs.Payment("o", 1)], "p", 1, ExampleApp.Cancel);
            await app.QuietAsync();
            string segment = Directory.GetFiles(folder["data/journals"], "0000000000000001.seg", SearchOption.AllDirectories).First(f => Read(f, 64, 8).Any(b => b != 0));
            Magic(segment, 0).ShouldBe("OSJS");
            Read(segment, 64, 8).ShouldBe(Read(segment, 16, 8)); // The prefix repeats the segment's id.
            Magic(segment, 64 + 24).ShouldBe("OSJF");
            Directory.GetFiles(folder["data/records"]).ShouldAllBe(f => Magic(f, 0) == "OSRC");
            await app.KillAsync("silo0");
            await ExampleApp.UntilAsync(() => Task.FromResult(Directory.GetFiles(folder["data/journals"], "fence", SearchOption.AllDirectories).Length > 0), "the journal is fenced");
            await app.StopAsync();
        }

        string[] runs = Directory.GetFiles(folder["data/runs"]);
        runs.ShouldContain(f => f.EndsWith("-names"));
        foreach (string run in runs)
        {
            Magic(run, 0).ShouldBe("OSRN");
            int start = 32 + BitConverter.ToUInt16(Read(run, 6, 2));
            long end = start + BitConverter.ToInt64(Read(run, 16, 8));
            Magic(run, run.EndsWith("-names") ? start : end - 4).ShouldBe(run.EndsWith("-names") ? "OSPT" : "OSCK");
        }

        Directory.GetFiles(folder["output"], "*.pos").ShouldAllBe(f => Magic(f, 0) == "OSP1");
        foreach ((string record, string heading) in new[] { ("deployment", "Deployment"), ("cluster", "Cluster"), ("partitions%2Forders-0", "Partition") })
        {
            byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(folder["data/records"], record), ExampleApp.Cancel);
            using var json = System.Text.Json.JsonDocument.Parse(bytes.AsMemory(32 + BitConverter.ToUInt16(bytes, 6)));
            json.RootElement.EnumerateObject().Select(p => p.Name).Order()
                .ShouldBe(Repository.Page("docs/formats.md").Table(heading).SelectMany(r => Quoted().Matches(r[0]).Select(m => m.Groups[1].Value)).Order());
        }
    }

    private static bool Contains(string[] source, string[] wanted) =>
        Enumerable.Range(0, Math.Max(0, source.Length - wanted.Length + 1)).Any(i => source.AsSpan(i, wanted.Length).SequenceEqual(wanted));

    private static string Magic(string path, long at) => System.Text.Encoding.ASCII.GetString(Read(path, at, 4));

    private static byte[] Read(string path, long at, int count)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = at;
        byte[] bytes = new byte[count];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static IEnumerable<string> Headings(Page page) => Heading().Matches(page.Prose)
        .Select(m => Anchor().Replace(m.Groups[1].Value.Trim().ToLowerInvariant(), string.Empty).Replace(' ', '-'));

    private static string Text(PropertyInfo property, object? value) => value switch
    {
        null => "none",
        TimeSpan t when t == TimeSpan.Zero => "0",
        TimeSpan t when t.TotalSeconds < 1 => Invariant($"{t.TotalMilliseconds} ms"),
        TimeSpan t when t.TotalMinutes < 1 => Invariant($"{t.TotalSeconds} s"),
        TimeSpan t when t.TotalHours < 1 => Invariant($"{t.TotalMinutes} min"),
        TimeSpan t => Invariant($"{t.TotalDays} d"),
        long or int when property.Name.EndsWith("Bytes", StringComparison.Ordinal) => Invariant($"{Convert.ToInt64(value, CultureInfo.InvariantCulture) >> 20} MiB"),
        int number => Invariant($"{number:N0}"),
        TimeProvider => "system",
        _ => value.ToString()!,
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    [GeneratedRegex(@"(?<!!)\[[^\]]+\]\(((?!https?:)[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Anchor();

    [GeneratedRegex("^```", RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\*Code: [^*]*(\*\.cs[^*]*)*\*")]
    private static partial Regex Code();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\[LoggerMessage\((EventId = )?(?<id>\d+),( LogLevel\.(?<level>\w+),)?")]
    private static partial Regex LogMessage();

    [GeneratedRegex("\"(streaming\\.[a-z._]+)\"")]
    private static partial Regex Metric();

    [GeneratedRegex("\"(/problems/[a-z-]+)\"")]
    private static partial Regex Problem();

    [GeneratedRegex("Map(?:Post|Get|Methods)\\(\"([^\"]+)\"")]
    private static partial Regex Endpoint();
}
