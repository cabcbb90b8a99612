using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>Checks the topology against the deployment's manifest, and stores what is new, before anything is stored under it.</summary>
internal static class DeploymentRecord
{
    public const string RecordName = "deployment";

    /// <summary>Gives the topology its ids and returns what is stored now.</summary>
    public static async Task<DeploymentManifest> MergeAsync(IStorage storage, Topology topology, ILogger logger, CancellationToken cancellationToken)
    {
        while (true)
        {
            StoredRecord? stored = await storage.ReadRecordAsync(RecordName, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> changes = [];
            DeploymentManifest manifest = stored is null
                ? DeploymentManifest.Create(topology, Guid.NewGuid().ToString("n"))
                : DeploymentManifest.Parse(stored.Content.Span).Merge(topology, out changes);
            byte[] bytes = manifest.ToBytes();
            if (stored is not null && stored.Content.Span.SequenceEqual(bytes))
            {
                return manifest;
            }

            if (await storage.SwapRecordAsync(RecordName, stored?.Tag, bytes, cancellationToken).ConfigureAwait(false) is not null)
            {
                foreach (string change in changes)
                {
                    StreamingEngine.DeploymentChanged(logger, manifest.Deployment, change);
                }

                return manifest;
            }
        }
    }
}
