using System.Diagnostics.Metrics;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class OpeningTests(Azurite azurite) : BlobTest(azurite)
{
    private const string Secret = "c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudA==";

    [Fact]
    public async Task Options_are_checked()
    {
        Action<AzureBlobStorageOptions>[] wrong =
        [
            o => o.ContainerName = "A",
            o => o.ContainerName = "-abc",
            o => o.ContainerName = "a--b",
            o => o.FlushEvery = TimeSpan.FromSeconds(-1),
            o => o.SegmentSizeBytes = 0,
            o => o.SegmentBlocks = 50_001,
            o => o.SegmentBlocks = 1,
            o => o.MaxParallelRequests = 0,
            o => o.RequestTimeout = TimeSpan.Zero,
            o => o.RetryFor = TimeSpan.FromSeconds(-1),
        ];
        foreach (Action<AzureBlobStorageOptions> configure in wrong)
        {
            var services = new ServiceCollection();
            new StreamingBuilder(services).UseAzureBlobs("UseDevelopmentStorage=true", configure);
            await using ServiceProvider provider = services.BuildServiceProvider();
            await Should.ThrowAsync<ArgumentException>(async () => await provider.GetRequiredService<StorageFactory>()(provider, Cancel));
        }
    }

    [Fact]
    public async Task The_application_may_make_the_client_and_its_repeats_do_no_harm()
    {
        var options = new BlobClientOptions { Retry = { MaxRetries = 4, Delay = TimeSpan.FromMilliseconds(5) } };
        int requests = 0;
        Faults.Decide = asked => asked.Method == "PUT" && Interlocked.Increment(ref requests) % 2 == 0 ? Fault.LoseAnswer : Fault.None;
        options.AddPolicy(Faults, global::Azure.Core.HttpPipelinePosition.PerRetry);
        var services = new ServiceCollection().AddMetrics();
        new StreamingBuilder(services).UseAzureBlobs(_ => new BlobServiceClient(ConnectionString, options), o => (o.ContainerName, o.SegmentBlocks) = (Container, 4));
        await using ServiceProvider provider = services.BuildServiceProvider();
        await using IStorage storage = await provider.GetRequiredService<StorageFactory>()(provider, Cancel);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 20);
        string? tag = null;
        for (byte i = 0; i < 10; i++)
        {
            tag = (await storage.SwapRecordAsync("r", tag, new[] { i }, Cancel)).ShouldNotBeNull();
        }

        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(20);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 20));
    }

    [Fact]
    public async Task Requests_are_counted_by_kind()
    {
        var seen = new Dictionary<string, long>();
        await using ServiceProvider provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using AzureBlobStorage storage = await AzureBlobStorage.OpenAsync(
            ConnectionString, new AzureBlobStorageOptions { ContainerName = Container }, provider.GetRequiredService<IMeterFactory>(), Cancel);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 7);
        await writer.AppendTogetherAsync(8, 50);
        await storage.SwapRecordAsync("r", null, new byte[1], Cancel);
        storage.GetRequestCounts()[RequestKind.Append].ShouldBe(8);
        storage.GetRequestCounts()[RequestKind.Create].ShouldBe(1);
        storage.GetRequestCounts()[RequestKind.Write].ShouldBe(1);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            // The engine's meter: this project does not know it, and writes its name again.
            if (instrument.Meter.Name == StreamingDiagnostics.MeterName && instrument.Meter.Scope == provider.GetRequiredService<IMeterFactory>())
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => seen[(string)tags[0].Value!] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        seen["append"].ShouldBe(8);
        seen.Count.ShouldBe(Enum.GetValues<RequestKind>().Length);
    }

    [Fact]
    public async Task No_message_tells_a_secret()
    {
        string address = new Uri(ConnectionString.Split("BlobEndpoint=")[1].TrimEnd(';')).ToString();
        string wrongKey = $"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={Secret};BlobEndpoint={address};";
        string signed = $"BlobEndpoint={address};SharedAccessSignature=sv=2020-08-04&ss=b&srt=sco&sp=rwl&se=2020-01-01T00:00:00Z&sig={Uri.EscapeDataString(Secret)}";
        string nobody = $"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={Secret};BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;";
        foreach (string connection in new[] { wrongKey, signed, nobody })
        {
            var options = new AzureBlobStorageOptions { ContainerName = Container, RetryFor = TimeSpan.Zero, RequestTimeout = TimeSpan.FromSeconds(3) };
            StorageException e = await Should.ThrowAsync<StorageException>(() => AzureBlobStorage.OpenAsync(connection, options, cancellationToken: Cancel));
            e.ToString().ShouldNotContain(Secret);
            e.ToString().ShouldNotContain(Uri.EscapeDataString(Secret));
            e.ToString().ShouldNotContain("sig=");
            e.ToString().ShouldNotContain("ignature");
            e.Message.ShouldContain(Container);
        }

        ArgumentException broken = await Should.ThrowAsync<ArgumentException>(() => AzureBlobStorage.OpenAsync($"AccountKey={Secret};;Account=", cancellationToken: Cancel));
        broken.ToString().ShouldNotContain(Secret);
        broken = await Should.ThrowAsync<ArgumentException>(() => AzureBlobStorage.OpenAsync($"AccountName=a;AccountKey=!{Secret}", cancellationToken: Cancel));
        broken.ToString().ShouldNotContain(Secret);
    }
}
