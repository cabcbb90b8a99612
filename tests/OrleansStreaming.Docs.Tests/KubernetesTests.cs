using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansStreaming.Docs.Tests;

/// <summary>
/// The example for Kubernetes agrees with the sample that it runs. There is no cluster here: what it names is compared with
/// the sources, and where kubectl is at hand it reads the files.
/// </summary>
public sealed partial class KubernetesTests
{
    private static readonly string Manifest = Read("infra/kubernetes/flightcluster.yaml");

    [Fact]
    public void Settings_are_those_that_the_silo_reads()
    {
        string settings = Read("samples/FlightCluster/Silo/SiloSettings.cs");
        using var defaults = JsonDocument.Parse(Read("samples/FlightCluster/appsettings.json"));
        string[] names = [.. Setting().Matches(Manifest).Select(m => m.Groups[1].Value).Where(n => n != "ASPNETCORE_URLS")];
        names.Length.ShouldBeGreaterThan(8);
        foreach (string name in names)
        {
            string[] path = name.Split("__");
            bool isOption = path is ["Streaming", var option] && typeof(StreamingOptions).GetProperty(option) is not null;
            (isOption || settings.Contains($"\"{string.Join(':', path)}\"", StringComparison.Ordinal) || IsIn(defaults.RootElement, path)).ShouldBeTrue(name);
        }

        foreach (JsonProperty demonstrated in defaults.RootElement.GetProperty("ClusterMembership").EnumerateObject())
        {
            names.ShouldContain($"ClusterMembership__{demonstrated.Name}", "what is tuned for a demonstration is set for production");
        }
    }

    [Fact]
    public void Probes_ask_endpoints_that_there_are()
    {
        string endpoints = Read("src/OrleansStreaming.AspNetCore/StreamingEndpointExtensions.cs");
        string[] paths = [.. Probed().Matches(Manifest).Select(m => m.Groups[1].Value)];
        paths.ShouldBe(["/health/live", "/health/live", "/health/ready"]);
        paths.ShouldAllBe(path => endpoints.Contains($"\"{path}\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Ports_and_labels_fit_together()
    {
        Dictionary<string, string> ports = ContainerPort().Matches(Manifest).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        TargetPort().Matches(Manifest).Select(m => m.Groups[1].Value).ShouldBe(["silo", "gateway", "http"]);
        ports.Keys.Order().ShouldBe(["gateway", "http", "silo"]);
        Value("ASPNETCORE_URLS").ShouldEndWith(":" + ports["http"]);
        Value("Orleans__Endpoints__SiloPort").ShouldBe(ports["silo"]);
        Value("Orleans__Endpoints__GatewayPort").ShouldBe(ports["gateway"]);
        Read("samples/FlightCluster/Dockerfile").ShouldContain($"EXPOSE {ports["http"]} {ports["silo"]} {ports["gateway"]}\n");
        Label().Matches(Manifest).Select(m => m.Groups[1].Value).Distinct().ShouldBe(["flightcluster"]);
    }

    [Fact]
    public void A_pod_has_more_time_to_stop_than_its_silo_takes()
    {
        int limit = Number(Read("samples/FlightCluster/Silo/SiloApp.cs"), @"StopLimit = TimeSpan\.FromSeconds\((\d+)\)");
        int pause = Number(Manifest, @"preStop:\s+sleep:[^\n]*\s+seconds: (\d+)");
        Number(Manifest, @"terminationGracePeriodSeconds: (\d+)").ShouldBeGreaterThan(limit + pause);
        limit.ShouldBeGreaterThan(Number(Manifest, @"Streaming__DrainTimeout: ""00:00:(\d+)"""));
    }

    [Fact]
    public async Task Kubectl_reads_it()
    {
        string? kubectl = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => new[] { Path.Combine(folder, "kubectl"), Path.Combine(folder, "kubectl.exe") }).FirstOrDefault(File.Exists);
        Assert.SkipWhen(kubectl is null, "The client of Kubernetes, 'kubectl', is not on the PATH.");
        var start = new ProcessStartInfo(kubectl!) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("kustomize");
        start.ArgumentList.Add(Path.Combine(Repository.Root, "infra/kubernetes"));
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, await errors);
        Regex.Count(output, "^kind: ", RegexOptions.Multiline).ShouldBe(Regex.Count(Manifest, "^kind: ", RegexOptions.Multiline));
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path)).ReplaceLineEndings("\n");

    private static bool IsIn(JsonElement settings, string[] path) =>
        path.Length == 0 || (settings.TryGetProperty(path[0], out JsonElement inner) && IsIn(inner, path[1..]));

    private static string Value(string name) => Regex.Match(Manifest, $@"- name: {name}\n\s+value: ""([^""]*)""").Groups[1].Value;

    private static int Number(string text, string pattern)
    {
        Match match = Regex.Match(text, pattern);
        match.Success.ShouldBeTrue(pattern);
        return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^\s+(?:- name: )?([A-Z]\w*(?:__\w+|_[A-Z_]+))(?::.*)?$", RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\s+path: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Probed();

    [GeneratedRegex(@"- name: (\w+)\n\s+containerPort: (\d+)")]
    private static partial Regex ContainerPort();

    [GeneratedRegex(@"targetPort: (\w+)")]
    private static partial Regex TargetPort();

    [GeneratedRegex(@"\bapp: (\w+)")]
    private static partial Regex Label();
}
