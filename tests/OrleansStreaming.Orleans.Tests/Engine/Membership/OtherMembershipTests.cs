namespace OrleansStreaming.Clustering.Tests;

/// <summary>The engine with members that Orleans' own packages keep, configured as the documentation says.</summary>
public sealed class OtherMembershipTests(Azurite azurite)
{
    [Fact]
    public async Task With_members_in_Azure_Tables_a_silo_that_dies_costs_nothing() =>
        await RunAsync("AzureTableStorage", await azurite.ConnectAsync());

    [Fact]
    public async Task With_members_in_a_database_a_silo_that_dies_costs_nothing()
    {
        Assert.SkipWhen(PostgresServer.Unavailable is not null, PostgresServer.Unavailable ?? "");
        await using PostgresServer database = await PostgresServer.StartAsync(TestContext.Current.CancellationToken);
        await RunAsync("AdoNet", database.ConnectionString);
    }

    private async Task RunAsync(string provider, string connection)
    {
        await using ConfiguredCluster cluster = await ConfiguredCluster.StartAsync(2, new Dictionary<string, string?>
        {
            ["Orleans:ClusterId"] = azurite.NextName(),
            ["Orleans:ServiceId"] = "clicks",
            ["Orleans:Clustering:ProviderType"] = provider,
            ["Orleans:Clustering:Invariant"] = provider == "AdoNet" ? "Npgsql" : null,
            ["Orleans:Clustering:ConnectionName"] = "members",
            ["ConnectionStrings:members"] = connection,
        });
        (await cluster.SeenByClientAsync()).ShouldBe(["silo0", "silo1"]);
        await cluster.PublishAsync(500);
        Task publishing = cluster.PublishAsync(2000);
        await cluster.KillAsync(1);
        await publishing;
        await cluster.ShouldMatchAsync();
        (await cluster.Engine(0).ReportOfAllAsync()).Rollbacks.ShouldHaveSingleItem().TakenOverPartitions.ShouldBeGreaterThan(0);

        await cluster.AddAsync("silo2");
        (await cluster.SeenByClientAsync()).ShouldBe(["silo0", "silo2"]);
        await cluster.PublishAsync(500);
        await cluster.ShouldMatchAsync();
    }
}
