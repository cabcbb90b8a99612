namespace OrleansStreaming.Clustering.Tests;

/// <summary>Explicit subscriptions that Microsoft.Orleans.Persistence.AzureStorage keeps, configured as the documentation says.</summary>
public sealed class OtherGrainStorageTests(Azurite azurite)
{
    [Theory]
    [InlineData("AzureTableStorage")]
    [InlineData("AzureBlobStorage")]
    public async Task Explicit_subscriptions_outlive_the_cluster(string provider)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Orleans:GrainStorage:PubSubStore:ProviderType"] = provider,
            ["Orleans:GrainStorage:PubSubStore:ConnectionName"] = "grains",
            ["Orleans:GrainStorage:PubSubStore:TableName"] = azurite.NextName(),
            ["Orleans:GrainStorage:PubSubStore:ContainerName"] = azurite.NextName(),
            ["ConnectionStrings:grains"] = await azurite.ConnectAsync(),
        };
        var account = new Account();
        var storage = new Testing.InMemoryStorage();
        await using (ProviderCluster first = await ProviderCluster.StartAsync(silos: 2, storage: storage, account: account, settings: settings))
        {
            await first.Explicit("e").SubscribeAsync("orders", "c1", null);
            await first.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 100, 20), ProviderCluster.Cancel);
            await first.ArrivedAsync("e", [.. Enumerable.Range(0, 100).Where(n => n % 20 == 1)]);
        }

        // Nobody calls the grain: that there is a subscription is known from the storage alone.
        await using ProviderCluster second = await ProviderCluster.StartAsync(silos: 1, storage: storage, account: account, settings: settings);
        await second.Engine.PublishAsync("orders", ProviderCluster.Orders(100, 100, 20), ProviderCluster.Cancel);
        await second.ArrivedAsync("e", [.. Enumerable.Range(0, 200).Where(n => n % 20 == 1)]);
        await second.Explicit("e").UnsubscribeAsync("orders", "c1");
        (await second.Explicit("e").SubscriptionsAsync("orders", "c1")).ShouldBe(0);
    }
}
