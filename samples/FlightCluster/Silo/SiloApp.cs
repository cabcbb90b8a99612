using Azure.Identity;
using Orleans.Configuration;
using OrleansStreaming;
using Serilog;
using Serilog.Core;

namespace FlightCluster.Silo;

/// <summary>One silo of the cluster: an ASP.NET application that counts its share of the flights and answers for all of them.</summary>
internal static class SiloApp
{
    // Longer than the engine may take to hand over its partitions (Streaming:DrainTimeout).
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(40);

    public static async Task<int> RunAsync(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        SiloSettings settings = SiloSettings.Read(builder.Configuration, args);
        using Logger log = Logging.Create(settings.Name, settings.Logs);
        builder.Logging.ClearProviders().AddSerilog(log);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        builder.Services.Configure<ClusterMembershipOptions>(builder.Configuration.GetSection("ClusterMembership"));
        builder.UseOrleans(silo =>
        {
            silo.AddStreaming(streaming =>
            {
                UseStorage(streaming, settings);
                streaming.AddFlights();
                if (settings.Reports is { } folder)
                {
                    streaming.AddSink<RouteReport>(from: "reports", _ => new JsonLinesSink<RouteReport>(folder));
                }
            });
            if (!builder.Configuration.GetSection("Orleans:Clustering").Exists())
            {
                silo.UseStreamingClustering(); // The members are kept where the streams are.
            }
        });

        await using WebApplication app = builder.Build();
        app.MapStreaming();
        if (settings.Owned)
        {
            Owner.Follow(app.Lifetime);
        }

        await app.RunAsync();
        return 0;
    }

    private static void UseStorage(StreamingBuilder streaming, SiloSettings settings)
    {
        if (Uri.TryCreate(settings.Connection, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https")
        {
            string container = address.AbsolutePath.Trim('/');
            streaming.UseAzureBlobs(new Uri(address.GetLeftPart(UriPartial.Authority)), new DefaultAzureCredential(),
                blobs => blobs.ContainerName = container.Length > 0 ? container : settings.Container);
        }
        else
        {
            streaming.UseAzureBlobs(settings.Connection, blobs => blobs.ContainerName = settings.Container);
        }
    }
}
