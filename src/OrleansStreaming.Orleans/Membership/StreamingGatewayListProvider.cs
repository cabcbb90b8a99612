using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace OrleansStreaming.Clustering;

/// <summary>Tells clients where the gateways of a cluster are: the active silos in its membership record that have one.</summary>
internal sealed class StreamingGatewayListProvider(MembershipStore store, IOptions<ClusterOptions> cluster, IOptions<GatewayOptions> options) : IGatewayListProvider
{
    private readonly string _clusterId = cluster.Value.ClusterId;

    public TimeSpan MaxStaleness => options.Value.GatewayListRefreshPeriod;

    [Obsolete("Part of the interface; every provider is taken to be updatable.")]
    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => store.ReadAsync(_clusterId, CancellationToken.None);

    public async Task<IList<Uri>> GetGateways()
    {
        MembershipRecord record = await store.ReadAsync(_clusterId, CancellationToken.None).ConfigureAwait(false);
        return [.. record.Silos.Where(row => row.SiloStatus == MemberStatus.Active && row.ProxyPort != 0).Select(Gateway)];
    }

    private static Uri Gateway(MembershipRow row)
    {
        SiloAddress silo = SiloAddress.FromParsableString(row.Silo);
        return SiloAddress.New(silo.Endpoint.Address, row.ProxyPort, silo.Generation).ToGatewayUri();
    }
}
