using System.Diagnostics;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;

namespace OrleansStreaming.Benchmarks;

/// <summary>What the same Azurite does without an engine.</summary>
internal sealed class BlobYardstick(BenchAzurite azurite, KeySequence keys)
{
    private const int BlockBytes = 4 << 20;
    private const int BatchEvents = 1000;
    private const int Parallel = 16;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);
    private readonly BlobContainerClient _container = new(azurite.ConnectionString, "yardstick");

    /// <summary>Bytes a second that one writer appends to one blob, in the largest blocks.</summary>
    public async Task<double> AppendBytesPerSecondAsync(int blocks, CancellationToken cancellationToken)
    {
        await _container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        AppendBlobClient blob = _container.GetAppendBlobClient("appended");
        await blob.CreateAsync(cancellationToken: cancellationToken);
        byte[] block = new byte[BlockBytes];
        new Random(1).NextBytes(block);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < blocks; i++)
        {
            await blob.AppendBlockAsync(new MemoryStream(block), cancellationToken: cancellationToken);
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await blob.DeleteAsync(cancellationToken: cancellationToken);
        return (double)blocks * BlockBytes / seconds;
    }

    /// <summary>
    /// Events a second of the plain way to keep state: of each batch of 1,000 events, every grain that had some writes its
    /// state, one blob each, 16 at a time. Measured for two seconds, and a batch at least.
    /// </summary>
    public async Task<double> StatePerBatchEventsPerSecondAsync(CancellationToken cancellationToken)
    {
        await _container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        byte[] state = new byte[32];
        long first = keys.Keys, number = first;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken };
        long started = Stopwatch.GetTimestamp();
        do
        {
            HashSet<long> grains = [];
            for (long end = number + BatchEvents; number < end; number++)
            {
                grains.Add(keys.First(number));
            }

            await System.Threading.Tasks.Parallel.ForEachAsync(grains, options, async (grain, cancel) =>
                await _container.GetBlobClient($"state/{grain}").UploadAsync(new BinaryData(state), overwrite: true, cancel));
        }
        while (Stopwatch.GetElapsedTime(started) < Time);

        return (number - first) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
