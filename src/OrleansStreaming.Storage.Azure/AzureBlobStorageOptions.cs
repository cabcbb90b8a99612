using Azure.Storage.Blobs;

namespace OrleansStreaming.Storage.Azure;

/// <summary>How <see cref="AzureBlobStorage"/> uses its container.</summary>
public sealed class AzureBlobStorageOptions
{
    /// <summary>The most that Azure allows in one append blob.</summary>
    private const int MaxBlocks = 50_000;

    /// <summary>The container: one for each deployment. Made when it does not exist.</summary>
    public string ContainerName { get; set; } = "orleansstreaming";

    /// <summary>
    /// The shortest time between the beginnings of two appends of a journal. Each append is a request that costs money; while
    /// there is nothing to append there are none.
    /// </summary>
    public TimeSpan FlushEvery { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The length at which a journal goes on in another blob. Journals are deleted by whole blobs.</summary>
    public long SegmentSizeBytes { get; set; } = 64L << 20;

    /// <summary>The number of appends at which a journal goes on in another blob; 50,000 at most.</summary>
    public int SegmentBlocks { get; set; } = MaxBlocks;

    /// <summary>How many requests may be under way at once, appends to journals not counted.</summary>
    public int MaxParallelRequests { get; set; } = 16;

    /// <summary>After this long a request is taken to have failed; whether it took effect is found out.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long an operation is tried again after requests that failed.</summary>
    public TimeSpan RetryFor { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Changes how requests are made, such as by adding policies to the pipeline; not when the application makes the client itself.</summary>
    public Action<BlobClientOptions>? ConfigureClient { get; set; }

    /// <summary>The clock of time-outs and repeats.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal void Validate()
    {
        if (!IsContainerName(ContainerName))
        {
            throw new ArgumentException($"{nameof(ContainerName)} is '{ContainerName}'; it has 3 to 63 lower-case letters, digits and single hyphens, none of them first or last.");
        }

        if (SegmentBlocks is < 2 or > MaxBlocks)
        {
            throw new ArgumentException($"{nameof(SegmentBlocks)} is {SegmentBlocks}; 2 to {MaxBlocks} are possible.");
        }

        ThrowUnless(FlushEvery >= TimeSpan.Zero, nameof(FlushEvery), FlushEvery, "not be negative");
        ThrowUnless(SegmentSizeBytes > 0, nameof(SegmentSizeBytes), SegmentSizeBytes, "be above zero");
        ThrowUnless(MaxParallelRequests > 0, nameof(MaxParallelRequests), MaxParallelRequests, "be above zero");
        ThrowUnless(RequestTimeout > TimeSpan.Zero, nameof(RequestTimeout), RequestTimeout, "be above zero");
        ThrowUnless(RetryFor >= TimeSpan.Zero, nameof(RetryFor), RetryFor, "not be negative");
        ArgumentNullException.ThrowIfNull(TimeProvider);
    }

    private static void ThrowUnless(bool holds, string name, object value, string must)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {value}; it must {must}.");
        }
    }

    private static bool IsContainerName(string? name) =>
        name is { Length: >= 3 and <= 63 }
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
        && name[0] != '-'
        && name[^1] != '-'
        && !name.Contains("--", StringComparison.Ordinal);
}
