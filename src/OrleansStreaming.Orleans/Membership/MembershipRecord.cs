using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The members of one cluster: a record that changes by compare-and-swap. What Orleans takes as etags are numbers of the
/// record's own changes, not the record's tag: telling that a silo is alive changes the record and no etag.
/// </summary>
internal sealed record MembershipRecord
{
    private const string Prefix = "membership";

    /// <summary>The cluster; the name of the record may be a hash of it.</summary>
    [JsonRequired]
    public required string ClusterId { get; init; }

    /// <summary>Orleans' version of the table, which its writers count up.</summary>
    [JsonRequired]
    public int Version { get; init; }

    /// <summary>How many changes there have been that give new etags. Never goes back.</summary>
    [JsonRequired]
    public long Changes { get; init; }

    [JsonRequired]
    public IReadOnlyList<MembershipRow> Silos { get; init; } = [];

    /// <summary>The etag of <see cref="Version"/>: every change that gives etags gives it a new one.</summary>
    [JsonIgnore]
    public string VersionTag => MembershipRow.TagOf(Changes);

    [JsonIgnore]
    public TableVersion TableVersion => new(Version, VersionTag);

    public static string NameOf(string clusterId) => RecordNames.Stored(Prefix, RecordNames.Join(Prefix, Encoding.UTF8.GetBytes(clusterId)));

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, MembershipJson.Default.MembershipRecord);

    /// <summary>Reads the record; a cluster that has none is one that has never had a member.</summary>
    /// <exception cref="CorruptDataException">It is not such a record, or that of another cluster.</exception>
    public static MembershipRecord Parse(string clusterId, StoredRecord? record)
    {
        if (record is null)
        {
            return new MembershipRecord { ClusterId = clusterId };
        }

        string name = NameOf(clusterId);
        try
        {
            MembershipRecord? read = JsonSerializer.Deserialize(record.Content.Span, MembershipJson.Default.MembershipRecord);
            if (read?.Silos is null || read.Silos.Any(row => row?.IsValid != true) || read.Silos.DistinctBy(row => row.Silo).Count() != read.Silos.Count)
            {
                throw new CorruptDataException(name, 0, "expected the members of a cluster, each once");
            }

            return read.ClusterId == clusterId ? read : throw new CorruptDataException(name, 0, $"expected cluster '{clusterId}', found '{read.ClusterId}'");
        }
        catch (JsonException e)
        {
            throw new CorruptDataException(name, e.BytePositionInLine ?? 0, $"expected the members of a cluster: {e.Message}");
        }
    }
}

/// <summary>What is stored of the members of clusters.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(MembershipRecord))]
internal sealed partial class MembershipJson : JsonSerializerContext;
