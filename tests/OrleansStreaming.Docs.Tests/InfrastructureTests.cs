using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansStreaming.Docs.Tests;

/// <summary>
/// What infra/ promises. There is no Azure here, so the template is read, not deployed: that the account is closed, that the
/// rights are the few that are needed, and that its parts name each other rightly.
/// </summary>
public sealed partial class InfrastructureTests
{
    private static readonly string Template = Read("infra/azure/main.bicep");

    [Fact]
    public void The_account_is_closed()
    {
        string account = Resource("account");
        foreach (string setting in (string[])[
            "kind: 'StorageV2'", "minimumTlsVersion: 'TLS1_2'", "supportsHttpsTrafficOnly: true", "allowBlobPublicAccess: false",
            "allowSharedKeyAccess: false", "allowCrossTenantReplication: false", "defaultAction: empty(subnetIds) ? 'Allow' : 'Deny'"])
        {
            account.ShouldContain($" {setting}\n", Case.Sensitive);
        }

        Resource("container").ShouldContain("publicAccess: 'None'");
    }

    [Fact]
    public void The_identity_has_the_rights_on_blobs_of_the_one_container_and_no_others()
    {
        string role = Resource("role");
        const string Container = "Microsoft.Storage/storageAccounts/blobServices/containers/";
        List(role, "actions").ShouldBe([Container + "read"]);
        List(role, "dataActions").ShouldBe([Container + "blobs/read", Container + "blobs/write", Container + "blobs/add/action", Container + "blobs/delete"]);
        Template.ShouldNotContain("*");
        string rights = Resource("rights");
        rights.ShouldContain("scope: container\n");
        rights.ShouldContain("principalId: identity.properties.principalId\n");
        rights.ShouldContain("roleDefinitionId: role.id\n");
        ResourceHead().Count(Template).ShouldBe(6, "a resource that no test looks at");
    }

    [Fact]
    public void Geo_redundant_accounts_are_not_offered()
    {
        string page = Read("infra/azure/README.md");
        string[] offered = [.. Sku().Matches(Template).Select(m => m.Value).Distinct()];
        offered.ShouldBe(["Standard_LRS", "Standard_ZRS"]);
        offered.ShouldAllBe(sku => page.Contains($"`{sku}`"));
    }

    [Fact]
    public void Names_fit_together()
    {
        int depth = 0;
        foreach (char c in Template.Where(c => "{}[]()".Contains(c)))
        {
            depth += "{[(".Contains(c) ? 1 : -1;
            depth.ShouldBeGreaterThanOrEqualTo(0);
        }

        depth.ShouldBe(0);
        string[] parameters = [.. Parameter().Matches(Template).Select(m => m.Groups[1].Value)];
        string body = Template[ResourceHead().Match(Template).Index..];
        foreach (string parameter in parameters)
        {
            Regex.Count(Template, $@"\b{parameter}\b").ShouldBeGreaterThan(1, $"the parameter {parameter} is not used");
        }

        foreach (string name in Reference().Matches(body).Select(m => m.Groups[1].Value))
        {
            ResourceHead().Matches(Template).Select(m => m.Groups[1].Value).ShouldContain(name);
        }

        string given = Read("infra/azure/main.bicepparam");
        given.ShouldStartWith("using 'main.bicep'\n");
        Parameter().Matches(given).Select(m => m.Groups[1].Value).ShouldBeSubsetOf(parameters);
        string page = Read("infra/azure/README.md");
        foreach (string output in Output().Matches(Template).Select(m => m.Groups[1].Value))
        {
            page.ShouldContain($"`{output}`");
        }
    }

    [Fact]
    public async Task Bicep_compiles_it()
    {
        string? bicep = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => new[] { Path.Combine(folder, "bicep"), Path.Combine(folder, "bicep.exe") }).FirstOrDefault(File.Exists);
        Assert.SkipWhen(bicep is null, "The Bicep compiler, 'bicep', is not on the PATH.");
        var start = new ProcessStartInfo(bicep!) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["build-params", Path.Combine(Repository.Root, "infra/azure/main.bicepparam"), "--stdout"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, await output + errors);
        errors.ShouldNotContain("Warning");
    }

    /// <summary>A lock file that records where packages were downloaded from works in one place only.</summary>
    [Theory]
    [InlineData("infra/data")]
    [InlineData("infra/azurite")]
    public void Lock_files_name_versions_and_checksums_but_no_addresses(string folder)
    {
        using var locked = JsonDocument.Parse(Read(folder + "/package-lock.json"));
        var packages = locked.RootElement.GetProperty("packages").EnumerateObject().Where(p => p.Name.Length > 0).ToList();
        packages.ShouldNotBeEmpty();
        foreach (JsonProperty package in packages)
        {
            package.Value.TryGetProperty("resolved", out _).ShouldBeFalse(package.Name);
            package.Value.GetProperty("integrity").GetString().ShouldNotBeNull().ShouldStartWith("sha512-");
        }

        Read(folder + "/.npmrc").ShouldContain("omit-lockfile-registry-resolved=true");
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path)).ReplaceLineEndings("\n");

    private static string Resource(string name)
    {
        Match resource = Regex.Match(Template, $@"^resource {name} '.*?^}}", RegexOptions.Multiline | RegexOptions.Singleline);
        resource.Success.ShouldBeTrue(name);
        return resource.Value;
    }

    private static string[] List(string text, string name) =>
        [.. Regex.Match(text, $@"^ +{name}: \[(.*?)\]", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value
            .Split('\n').Select(l => l.Trim().Trim('\'')).Where(l => l.Length > 0)];

    [GeneratedRegex("^resource ([a-zA-Z]+) '", RegexOptions.Multiline)]
    private static partial Regex ResourceHead();

    [GeneratedRegex("^param ([a-zA-Z]+)", RegexOptions.Multiline)]
    private static partial Regex Parameter();

    [GeneratedRegex("^output ([a-zA-Z]+)", RegexOptions.Multiline)]
    private static partial Regex Output();

    [GeneratedRegex(@"\b([a-z]+)\.(?:id|name|properties)\b")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\b(?:Standard|Premium)_\w+")]
    private static partial Regex Sku();
}
