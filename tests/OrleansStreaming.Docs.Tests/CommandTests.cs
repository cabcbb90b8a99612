using System.Diagnostics;
using System.Text.RegularExpressions;

namespace OrleansStreaming.Docs.Tests;

/// <summary>Every command in the documentation is one that a test or test.sh runs, or is checked against the program that it starts.</summary>
public sealed partial class CommandTests
{
    private const string RunProject = "dotnet run -c Release --project ";
    private const string FirstOperator = "tests/OrleansStreaming.Docs.Tests/Examples/FirstOperator";

    /// <summary>The programs that commands start, and the source that shows which options each has.</summary>
    private static readonly Dictionary<string, string?> Programs = new()
    {
        ["infra/cluster/run.sh"] = "samples/FlightCluster/Drive/DriveOptions.cs", // Its program is run by the tests of the Orleans engine.
        ["samples/FlightBoard"] = "samples/FlightBoard/Options.cs",
        ["tests/OrleansStreaming.Simulation"] = "tests/OrleansStreaming.Simulation/Options.cs", // Run by test.sh.
        ["tests/OrleansStreaming.Benchmarks"] = "tests/OrleansStreaming.Benchmarks/Support/CommonOptions.cs", // Run by their own tests.
        [FirstOperator] = null, // Run below.
    };

    public static TheoryData<string, string> Commands() => [.. All().Where(c => !IsCurl(c.Command)).Select(c => (c.Where, c.Command))];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Commands_can_be_run(string where, string command)
    {
        Match test = TestScript().Match(command);
        if (test.Success)
        {
            string script = File.ReadAllText(Path.Combine(Repository.Root, "test.sh"));
            foreach (Capture variable in test.Groups["variable"].Captures)
            {
                script.ShouldContain("${" + variable.Value + ":-", Case.Sensitive, where);
            }

            ShouldBeExecutable("test.sh");
            return;
        }

        string[] parts = command.Split(' ', 2);
        if (parts[0].EndsWith(".sh", StringComparison.Ordinal))
        {
            ShouldBeExecutable(parts[0]);
        }
        else
        {
            command.ShouldStartWith(RunProject, Case.Sensitive, $"{where}: a command that no test knows");
            parts = command[RunProject.Length..].Split(" -- ", 2);
            Directory.GetFiles(Path.Combine(Repository.Root, parts[0]), "*.csproj").Length.ShouldBe(1, where);
        }

        Programs.ShouldContainKey(parts[0], where);
        if (parts.Length == 2)
        {
            string source = File.ReadAllText(Path.Combine(Repository.Root, Programs[parts[0]].ShouldNotBeNull(where)));
            foreach (string option in ShellWords.Split(parts[1], out _).Where(w => w.StartsWith("--", StringComparison.Ordinal)))
            {
                source.ShouldContain($"\"{option}\"", Case.Sensitive, where);
            }
        }
    }

    [Fact]
    public void The_options_of_the_simulation_are_all_described()
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "tests/OrleansStreaming.Simulation/Options.cs"));
        Repository.Page("docs/testing.md").Table("The simulator").Select(r => r[0].Trim('`').Split(' ')[0]).Order()
            .ShouldBe(OptionCase().Matches(source).Select(m => m.Groups[1].Value).Order());
    }

    [Fact]
    public void Rules_that_the_simulator_is_told_to_break_exist()
    {
        string[] mutants = [.. RuleTests.Mutants().Select(m => m.Name)];
        foreach ((string where, string command) in All())
        {
            if (Mutant().Match(command) is { Success: true } mutant)
            {
                mutants.ShouldContain(mutant.Groups[1].Value, where);
            }
        }
    }

    [Fact]
    public async Task The_curl_commands_of_the_pages_work()
    {
        using var folder = new TestFolder();
        await using ExampleApp app = await ExampleApp.StartAsync(Examples.InCode.Host.Build(folder.Path));
        CurlCommand[] commands = [.. All().Where(c => IsCurl(c.Command) && !c.Where.StartsWith("README", StringComparison.Ordinal)).Select(c => CurlCommand.Parse(c.Where, c.Command))];
        commands.Length.ShouldBeGreaterThan(10);
        foreach (CurlCommand command in commands)
        {
            if (command.PathAndQuery.Contains("consistency", StringComparison.Ordinal) || command.PathAndQuery.EndsWith("/ready", StringComparison.Ordinal))
            {
                await app.QuietAsync();
            }

            await command.RunAsync(app.Http, ExampleApp.Cancel);
        }

        (await app.StateAsync("Customers", "ada")).ShouldBe("""{"orders":2,"amount":7}""");
    }

    [Fact]
    public async Task The_program_of_the_readme_runs_and_survives_being_killed()
    {
        using var folder = new TestFolder();
        CurlCommand[] commands = [.. All().Where(c => IsCurl(c.Command) && c.Where.StartsWith("README", StringComparison.Ordinal)).Select(c => CurlCommand.Parse(c.Where, c.Command))];
        commands.Length.ShouldBe(2);
        for (int run = 0; run < 2; run++)
        {
            using Process program = Start(folder.Path);
            try
            {
                string url = await ReadUrlAsync(program);
                using var client = new HttpClient { BaseAddress = new Uri(url) };
                string accepted = await commands[0].RunAsync(client, ExampleApp.Cancel);
                accepted.ShouldBe(run == 0 ? """{"accepted":2,"duplicates":0}""" : """{"accepted":0,"duplicates":2}""");
                string state = await commands[1].RunAsync(client, ExampleApp.Cancel);
                state.ShouldContain("""{"orders":2,"amount":14.5}""");
                Repository.Page("README.md").Text.ShouldContain("""{"orders":2,"amount":14.5}""");
                await ExampleApp.UntilAsync(() => Task.FromResult(Lines(folder["output"]).Length == 2), "two totals are in the file");
            }
            finally
            {
                program.Kill();
                await program.WaitForExitAsync(CancellationToken.None);
            }
        }

        Lines(folder["output"]).ShouldBe(["""{"customer":"ada","orders":1,"amount":12.5}""", """{"customer":"ada","orders":2,"amount":14.5}"""]);
    }

    private static void ShouldBeExecutable(string script)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(Repository.Root, script)).HasFlag(UnixFileMode.UserExecute).ShouldBeTrue(script);
        }
    }

    private static string[] Lines(string folder) =>
        Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "totals-*.jsonl").SelectMany(File.ReadAllLines)] : [];

    private static Process Start(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, Path.GetFileName(FirstOperator) + ".dll"));
        start.ArgumentList.Add("--urls");
        start.ArgumentList.Add("http://127.0.0.1:0");
        return Process.Start(start)!;
    }

    private static async Task<string> ReadUrlAsync(Process program)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ExampleApp.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var seen = new List<string>();
        while (await program.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            seen.Add(line);
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = program.StandardOutput.ReadToEndAsync(CancellationToken.None); // So that it never waits for a reader.
                return match.Groups[1].Value;
            }
        }

        throw new InvalidOperationException($"the program ended without serving:\n{string.Join('\n', seen)}");
    }

    private static bool IsCurl(string command) => command.StartsWith("curl ", StringComparison.Ordinal);

    private static IEnumerable<(string Where, string Command)> All() =>
        Repository.Pages.SelectMany(p => p.Blocks("bash")).SelectMany(b => b.Lines.Where(l => l.Trim().Length > 0 && !l.StartsWith('#')).Select(l => (b.Where, l.Trim())));

    [GeneratedRegex(@"^((?<variable>[A-Z_]+)=\d+ )*\./test\.sh$")]
    private static partial Regex TestScript();

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex Listening();

    [GeneratedRegex("\"(--[a-z]+)\" =>")]
    private static partial Regex OptionCase();

    [GeneratedRegex(@"--mutant (\w+)")]
    private static partial Regex Mutant();
}
