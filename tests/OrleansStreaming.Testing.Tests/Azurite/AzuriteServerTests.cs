using System.Diagnostics;
using System.Globalization;

namespace OrleansStreaming.Testing.Tests.Azurite;

/// <summary>Azurite as it is, in processes of its own.</summary>
public sealed class AzuriteServerTests : IDisposable
{
    private const string OwnedFolder = "ORLEANSSTREAMING_TEST_AZURITE_FOLDER";
    private readonly string _folder = Directory.CreateTempSubdirectory("azurite-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_it_has_confirmed_is_there_after_a_stop_at_the_same_address()
    {
        await using AzuriteServer server = await StartAsync();
        server.BlobEndpoint.IsLoopback.ShouldBeTrue();
        Uri address = server.BlobEndpoint;
        using var client = new BlobClient(server);
        await client.CreateContainerAsync("box");
        await client.CreateBlobAsync("box/log");
        for (int i = 0; i < 3; i++)
        {
            await client.AppendAsync("box/log", $"{i};");
            int process = server.ProcessId;
            await server.StopAsync();
            server.IsRunning.ShouldBeFalse();
            await server.StopAsync();
            Lives(process).ShouldBeFalse();
            await Should.ThrowAsync<HttpRequestException>(() => client.ReadAsync("box/log"));
            await server.StartAgainAsync();
            await Should.ThrowAsync<InvalidOperationException>(server.StartAgainAsync);
        }

        server.BlobEndpoint.ShouldBe(address);
        (await client.ReadAsync("box/log")).ShouldBe("0;1;2;");
    }

    [Fact]
    public async Task Tables_are_served_beside_blobs_if_that_is_wanted()
    {
        await using AzuriteServer server = await StartAsync("data", new AzuriteOptions { Tables = true });
        Uri tables = server.TableEndpoint.ShouldNotBeNull();
        server.ConnectionString.ShouldEndWith($"TableEndpoint={tables};");
        using var http = new HttpClient();
        for (int i = 0; i < 2; i++)
        {
            using HttpResponseMessage answer = await http.GetAsync(tables, Cancel);
            answer.Headers.Server.ToString().ShouldStartWith("Azurite-Table");
            using var client = new BlobClient(server);
            await client.CreateContainerAsync($"box{i}");
            await server.StopAsync();
            await server.StartAgainAsync();
        }
    }

    [Fact]
    public async Task It_can_be_killed_and_started_again()
    {
        await using AzuriteServer server = await StartAsync();
        int process = server.ProcessId;
        await server.KillAsync();
        Lives(process).ShouldBeFalse();
        await server.StartAgainAsync();
        using var client = new BlobClient(server);
        await client.CreateContainerAsync("box");
    }

    [Fact]
    public async Task Two_run_side_by_side_but_not_on_one_folder()
    {
        await using AzuriteServer one = await StartAsync("one"), two = await StartAsync("two");
        using BlobClient clientOfOne = new(one), clientOfTwo = new(two);
        foreach (BlobClient client in new[] { clientOfOne, clientOfTwo })
        {
            await client.CreateContainerAsync("box");
            await client.CreateBlobAsync("box/log");
        }

        await clientOfOne.AppendAsync("box/log", "one");
        (await clientOfTwo.ReadAsync("box/log")).ShouldBeEmpty();
        AzuriteException refused = await Should.ThrowAsync<AzuriteException>(() => StartAsync("one"));
        refused.Message.ShouldContain($"already running on the folder {one.Folder}");
    }

    [Fact]
    public async Task It_outlives_signals_until_its_owner_has_written_all()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are those of Unix.");
        await using AzuriteServer server = await StartAsync();
        using var client = new BlobClient(server);
        await client.CreateContainerAsync("box");
        await client.CreateBlobAsync("box/log");
        foreach (string signal in (string[])["INT", "HUP", "TERM"])
        {
            await SignalAsync(signal, server.ProcessId);
            await client.AppendAsync("box/log", signal);
        }

        await server.StopAsync();
        await server.StartAgainAsync();
        (await client.ReadAsync("box/log")).ShouldBe("INTHUPTERM");
    }

    [Fact]
    public async Task A_stop_that_hangs_ends_with_a_kill_and_says_so()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are those of Unix.");
        await using AzuriteServer server = await StartAsync("data", new AzuriteOptions { StopLimit = TimeSpan.FromMilliseconds(200) });
        await SignalAsync("STOP", server.ProcessId);
        (await Should.ThrowAsync<AzuriteException>(server.StopAsync)).Message.ShouldContain("did not stop within");
        server.IsRunning.ShouldBeFalse();
        Lives(server.ProcessId).ShouldBeFalse();
    }

    [Fact]
    public async Task It_ends_in_good_order_when_its_owner_is_killed()
    {
        if (Environment.GetEnvironmentVariable(OwnedFolder) is { } folder)
        {
            await OwnUntilKilledAsync(folder); // This is the process that is killed.
            return;
        }

        await using (AzuriteServer server = await StartAsync())
        {
            using var client = new BlobClient(server);
            await client.CreateContainerAsync("box");
            await client.CreateBlobAsync("box/log");
        }

        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[OwnedFolder] = Path.Combine(_folder, "data");
        foreach (string argument in (string[])[typeof(AzuriteServerTests).Assembly.Location, "-method", $"*{nameof(It_ends_in_good_order_when_its_owner_is_killed)}"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process owner = Process.Start(start)!;
        Task<string> output = owner.StandardOutput.ReadToEndAsync(Cancel);
        string owned = Path.Combine(_folder, "data", "owned");
        while (!File.Exists(owned))
        {
            owner.HasExited.ShouldBeFalse(owner.HasExited ? await output : "");
            await Task.Delay(20, Cancel);
        }

        int process = int.Parse(await File.ReadAllTextAsync(owned, Cancel), CultureInfo.InvariantCulture);
        Lives(process).ShouldBeTrue();
        owner.Kill();

        // Nothing is waited for: the next one does.
        await using AzuriteServer next = await StartAsync();
        next.ProcessId.ShouldNotBe(process);
        using var reader = new BlobClient(next);
        (await reader.ReadAsync("box/log")).ShouldBe("confirmed");
        while (Lives(process))
        {
            await Task.Delay(20, Cancel); // It has saved all, and is about to end.
        }
    }

    [Fact]
    public async Task A_folder_without_it_is_named()
    {
        AzuriteException missing = await Should.ThrowAsync<AzuriteException>(() =>
            AzuriteServer.StartAsync(Path.Combine(_folder, "data"), new AzuriteOptions { InstalledIn = _folder }, Cancel));
        missing.Message.ShouldContain(_folder);
        missing.Message.ShouldContain("npm install azurite");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task OwnUntilKilledAsync(string folder)
    {
        AzuriteServer server = await AzuriteServer.StartAsync(folder, Cancel);
        using var client = new BlobClient(server);
        await client.AppendAsync("box/log", "confirmed");
        string written = Path.Combine(folder, "owned.part");
        await File.WriteAllTextAsync(written, server.ProcessId.ToString(CultureInfo.InvariantCulture), Cancel);
        File.Move(written, Path.Combine(folder, "owned"));
        await Task.Delay(TimeSpan.FromMinutes(1), Cancel);
    }

    private static bool Lives(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task SignalAsync(string signal, int process)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Cancel);
        kill.ExitCode.ShouldBe(0);
    }

    private Task<AzuriteServer> StartAsync(string folder = "data", AzuriteOptions? options = null)
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        return AzuriteServer.StartAsync(Path.Combine(_folder, folder), options ?? new AzuriteOptions(), Cancel);
    }
}
