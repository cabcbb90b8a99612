using Azure.Core;
using Azure.Core.Pipeline;
using OrleansStreaming.Storage.Azure;

namespace FlightBoard;

/// <summary>What <c>--flush-ms</c> is on blobs: the answer to every append comes that much later.</summary>
internal sealed class SlowAppends(TimeSpan delay) : HttpPipelinePolicy
{
    /// <summary>Has the appends of a storage take longer.</summary>
    public static void AddTo(AzureBlobStorageOptions options, TimeSpan delay)
    {
        if (delay > TimeSpan.Zero)
        {
            options.ConfigureClient = client => client.AddPolicy(new SlowAppends(delay), HttpPipelinePosition.PerCall);
        }
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        await ProcessNextAsync(message, pipeline);
        if (message.Request.Uri.Query.Contains("comp=appendblock", StringComparison.Ordinal))
        {
            await Task.Delay(delay, message.CancellationToken);
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("Appends are asynchronous.");
}
