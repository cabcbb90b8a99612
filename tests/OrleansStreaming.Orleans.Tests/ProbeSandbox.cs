using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace OrleansStreaming.Orleans.Tests;

/// <summary>
/// A small solution in a temporary folder, with a copy of the repository's probe, a package source of its own (a folder)
/// and a package cache of its own: what it finds depends neither on the network nor on what this machine restored before.
/// </summary>
internal sealed class ProbeSandbox : IDisposable
{
    // Far above any version that is published.
    public const string Version = "987.6.5";

    public static readonly string[] OrleansPackages =
        [.. XDocument.Load(Path.Combine(Repository.Root, "eng", "Orleans.props")).Descendants("OrleansPackages").Single().Value
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(120);

    private readonly string _root = Directory.CreateTempSubdirectory("orleans-probe-").FullName;

    public ProbeSandbox()
    {
        CopyFolder(Path.Combine(Repository.Root, "eng"), Path.Combine(_root, "eng"));
        CopyFile("Directory.Solution.targets");
        CopyFile("Directory.Packages.props");
        CopyFile("global.json");
        Directory.CreateDirectory(Path.Combine(_root, "feed"));

        Write("nuget.config", """
            <configuration>
              <packageSources><clear /><add key="feed" value="feed" /></packageSources>
              <fallbackPackageFolders><clear /></fallbackPackageFolders>
              <disabledPackageSources><clear /></disabledPackageSources>
              <packageSourceMapping><clear /></packageSourceMapping>
            </configuration>
            """);
        Write("Directory.Build.props", """
            <Project>
              <Import Project="eng/Orleans.props" />
            </Project>
            """);
        Write("Product/Product.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <EnableDefaultItems>false</EnableDefaultItems>
              </PropertyGroup>
              <Target Name="Say" AfterTargets="Build">
                <Message Importance="high" Text="product sees OrleansAvailable=$(OrleansAvailable)" />
              </Target>
            </Project>
            """);
        Write("Sandbox.sln", """

            Microsoft Visual Studio Solution File, Format Version 12.00
            Project("{FAE04EC0-301F-11D3-BF4B-00C04F79EFBC}") = "Product", "Product\Product.csproj", "{7A1D4C1E-6B0B-4C58-9C0A-2F7D6A1B3C4D}"
            EndProject
            Global
            	GlobalSection(SolutionConfigurationPlatforms) = preSolution
            		Debug|Any CPU = Debug|Any CPU
            	EndGlobalSection
            	GlobalSection(ProjectConfigurationPlatforms) = postSolution
            		{7A1D4C1E-6B0B-4C58-9C0A-2F7D6A1B3C4D}.Debug|Any CPU.ActiveCfg = Debug|Any CPU
            		{7A1D4C1E-6B0B-4C58-9C0A-2F7D6A1B3C4D}.Debug|Any CPU.Build.0 = Debug|Any CPU
            	EndGlobalSection
            EndGlobal
            """);
    }

    public string AnswerFile => Path.Combine(_root, "artifacts", "orleans.props");

    /// <summary>What the probe wrote: "true" or "false".</summary>
    public string Answer => XDocument.Load(AnswerFile).Descendants("OrleansAvailable").Single().Value;

    /// <summary>What restoring the probe brought in.</summary>
    public string Restored => File.ReadAllText(Path.Combine(_root, "artifacts", "orleans-probe", "project.assets.json"));

    /// <summary>Puts an empty package into the sandbox's package source, as a stand-in for the real one.</summary>
    public void Publish(string packageId)
    {
        var path = Path.Combine(_root, "feed", $"{packageId}.{Version}.nupkg");
        using var package = ZipFile.Open(path, ZipArchiveMode.Create);
        using var manifest = new StreamWriter(package.CreateEntry($"{packageId}.nuspec").Open());
        manifest.Write($"""
            <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
              <metadata>
                <id>{packageId}</id>
                <version>{Version}</version>
                <authors>nobody</authors>
                <description>Stands in for the real package.</description>
              </metadata>
            </package>
            """);
    }

    /// <summary>Runs dotnet in the sandbox and waits for it.</summary>
    public async Task<(int ExitCode, string Output)> Dotnet(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = _root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // The test itself may run inside a build: nothing of that build reaches the one under test.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
            || k.StartsWith("ORLEANS", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["NUGET_PACKAGES"] = Path.Combine(_root, "packages");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";

        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(CommandLimit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_root, recursive: true);
        }
        catch (IOException)
        {
            // A leftover in the temporary folder is no reason to fail a test that passed.
        }
    }

    private void Write(string relativePath, string text)
    {
        var path = Path.Combine(_root, relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, Encoding.UTF8);
    }

    private void CopyFile(string name) => File.Copy(Path.Combine(Repository.Root, name), Path.Combine(_root, name));

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
