using System.Text.RegularExpressions;

namespace OrleansStreaming.Orleans.Tests;

/// <summary>The build's switch, on both sides: package sources that have Orleans, and package sources that do not.</summary>
public sealed partial class ProbeTests : IDisposable
{
    private const string Version = ProbeSandbox.Version;

    private readonly ProbeSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task With_Orleans_the_first_build_of_a_fresh_clone_sees_it()
    {
        foreach (var package in ProbeSandbox.OrleansPackages)
        {
            _sandbox.Publish(package);
        }

        var (exitCode, output) = await Build();

        exitCode.ShouldBe(0, output);
        _sandbox.Answer.ShouldBe("true");
        _sandbox.Restored.ShouldContain($"Microsoft.Orleans.Server/{Version}");
        output.ShouldContain("product sees OrleansAvailable=true");
        NotAvailableLine().Count(output).ShouldBe(0, output);
    }

    [Fact]
    public async Task Without_Orleans_the_build_succeeds_and_says_so_in_one_line()
    {
        var (exitCode, output) = await Build();

        exitCode.ShouldBe(0, output);
        _sandbox.Answer.ShouldBe("false");
        output.ShouldContain("product sees OrleansAvailable=false");
        output.ShouldContain("0 Warning(s)");
        NotAvailableLine().Count(output).ShouldBe(1, output);
    }

    [Fact]
    public async Task With_only_some_of_its_packages_Orleans_is_not_available_until_the_rest_appear()
    {
        foreach (var package in ProbeSandbox.OrleansPackages.Skip(1))
        {
            _sandbox.Publish(package);
        }

        var (exitCode, output) = await Restore();

        exitCode.ShouldBe(0, output);
        _sandbox.Answer.ShouldBe("false");
        NotAvailableLine().Count(output).ShouldBe(1, output);

        _sandbox.Publish(ProbeSandbox.OrleansPackages[0]);
        (exitCode, output) = await Restore();

        exitCode.ShouldBe(0, output);
        _sandbox.Answer.ShouldBe("true");
        NotAvailableLine().Count(output).ShouldBe(0, output);
    }

    [Fact]
    public async Task A_probe_that_runs_out_of_time_counts_as_not_available()
    {
        var (exitCode, output) = await Restore("-p:OrleansProbeTimeoutMs=1");

        exitCode.ShouldBe(0, output);
        _sandbox.Answer.ShouldBe("false");
        NotAvailableLine().Count(output).ShouldBe(1, output);
    }

    [Fact]
    public async Task An_answer_on_the_command_line_skips_the_probe()
    {
        var (exitCode, output) = await Restore("-p:OrleansAvailable=false");

        exitCode.ShouldBe(0, output);
        File.Exists(_sandbox.AnswerFile).ShouldBeFalse();
    }

    [Fact]
    public async Task Without_an_answer_Orleans_counts_as_available()
    {
        var (exitCode, output) = await _sandbox.Dotnet("msbuild", "Product/Product.csproj", "-getProperty:OrleansAvailable");

        exitCode.ShouldBe(0, output);
        output.Trim().ShouldBe("true");
    }

    private Task<(int ExitCode, string Output)> Build() => _sandbox.Dotnet(
        "build", "Sandbox.sln", "-warnaserror", "-nodeReuse:false", "-p:UseSharedCompilation=false", $"-p:OrleansVersion={Version}");

    private Task<(int ExitCode, string Output)> Restore(params string[] more) => _sandbox.Dotnet(
        ["restore", "Sandbox.sln", "-warnaserror", "-nodeReuse:false", $"-p:OrleansVersion={Version}", .. more]);

    [GeneratedRegex($@"^.*Orleans {Version} is not available.*$", RegexOptions.Multiline)]
    private static partial Regex NotAvailableLine();
}
