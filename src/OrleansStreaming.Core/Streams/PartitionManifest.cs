using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Core;

/// <summary>
/// All that outlives an owner of a partition, in one record that changes only by compare-and-swap. A claim of ownership is a
/// swap of it too, so a claim fences every older write. Kilobytes, whatever the partition holds.
/// </summary>
/// <remarks>Every property is written, so one that is missing is damage: reading would put zero or null in its place.</remarks>
internal sealed record PartitionManifest
{
    public const int CurrentFormat = 1;

    [JsonRequired]
    public int Format { get; init; } = CurrentFormat;

    [JsonRequired]
    public required int Partition { get; init; }

    /// <summary>For people: stream and index.</summary>
    [JsonRequired]
    public required string Name { get; init; }

    /// <summary>Grows with every write.</summary>
    [JsonRequired]
    public long Version { get; init; }

    /// <summary>Tells the writes of one owner apart, also where a late one takes the version of a later one.</summary>
    [JsonRequired]
    public long Write { get; init; }

    /// <summary>Owners in the order of their epochs; those whose records are all trimmed are left out, the last never is.</summary>
    [JsonRequired]
    public IReadOnlyList<Ownership> Owners { get; init; } = [];

    /// <summary>The seal version of the owner that released the partition last.</summary>
    [JsonRequired]
    public int ReleaseSealVersion { get; init; }

    /// <summary>Committed checkpoint runs, oldest first.</summary>
    [JsonRequired]
    public IReadOnlyList<RunInfo> Runs { get; init; } = [];

    /// <summary>The run that holds the table of producers, up to <see cref="TablePosition"/>.</summary>
    [JsonRequired]
    public string? Table { get; init; }

    [JsonRequired]
    public long TablePosition { get; init; } = -1;

    /// <summary>By operator: no grain needs to replay events at or below.</summary>
    [JsonRequired]
    public IReadOnlyDictionary<int, long> Committed { get; init; } = new Dictionary<int, long>();

    /// <summary>By sink: released up to here.</summary>
    [JsonRequired]
    public IReadOnlyDictionary<int, long> Sinks { get; init; } = new Dictionary<int, long>();

    /// <summary>By sink: what it has confirmed to have stored; less than it has passed, as not every record is an event.</summary>
    [JsonRequired]
    public IReadOnlyDictionary<int, long> SinksStored { get; init; } = new Dictionary<int, long>();

    /// <summary>Records that only a sink or retention still needs, oldest first; they follow what is trimmed without a gap.</summary>
    [JsonRequired]
    public IReadOnlyList<ArchiveInfo> Archives { get; init; } = [];

    /// <summary>Records at or below are trimmed.</summary>
    [JsonRequired]
    public long TrimmedTo { get; init; } = -1;

    [JsonIgnore]
    public Ownership? Owner => Owners.Count == 0 ? null : Owners[^1];

    [JsonIgnore]
    public bool IsReleased => Owner is { ReleasedAt: >= 0 };

    public static string RecordName(string partitionName) => $"partitions/{partitionName}";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, RecordJson.Default.PartitionManifest);

    public static PartitionManifest Parse(string record, ReadOnlySpan<byte> bytes)
    {
        try
        {
            PartitionManifest manifest = JsonSerializer.Deserialize(bytes, RecordJson.Default.PartitionManifest)
                ?? throw new CorruptDataException(record, 0, "expected a partition manifest, found null");
            if (manifest.Format != CurrentFormat)
            {
                throw new CorruptDataException(record, 0, $"expected format {CurrentFormat}, found {manifest.Format}; it was written by another version");
            }

            return manifest.Owners.Contains(null!) || manifest.Runs.Contains(null!) || manifest.Archives.Contains(null!)
                ? throw new CorruptDataException(record, 0, "expected owners, runs and archives, found null among them")
                : manifest;
        }
        catch (JsonException e)
        {
            throw new CorruptDataException(record, e.BytePositionInLine ?? 0, $"expected a partition manifest: {e.Message}");
        }
    }
}

/// <summary>One owner of a partition.</summary>
/// <param name="Epoch">The ownership epoch.</param>
/// <param name="Journal">The journal that it wrote to.</param>
/// <param name="NeededFrom">The lowest LSN that may still be needed.</param>
/// <param name="ReleasedAt">The last LSN that counts, when it gave the partition up in a planned move; else -1.</param>
internal sealed record Ownership(int Epoch, int Journal, long NeededFrom, long ReleasedAt = -1);

/// <summary>A committed run.</summary>
internal sealed record RunInfo(string Name, long Bytes, long Grains);

/// <summary>Source-generated JSON of the small records.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PartitionManifest))]
[JsonSerializable(typeof(ClusterRecord))]
internal sealed partial class RecordJson : JsonSerializerContext;
