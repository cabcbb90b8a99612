using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Core;

/// <summary>
/// The journals there have been, and the seals in their order: the record that all silos agree on. Changes only by
/// compare-and-swap. The number of seals is R, the seal version.
/// </summary>
internal sealed record ClusterRecord
{
    public const string RecordName = "cluster";

    [JsonRequired]
    public IReadOnlyList<JournalInfo> Journals { get; init; } = [];

    [JsonRequired]
    public IReadOnlyList<Seal> Seals { get; init; } = [];

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, RecordJson.Default.ClusterRecord);

    public static ClusterRecord Parse(StoredRecord? record)
    {
        if (record is null)
        {
            return new ClusterRecord();
        }

        try
        {
            ClusterRecord? read = JsonSerializer.Deserialize(record.Content.Span, RecordJson.Default.ClusterRecord);
            return read is not null && !read.Journals.Contains(null!) && read.Seals.All(s => s.Journal >= 0 && s.Journal < read.Journals.Count && s.End >= 0)
                ? read
                : throw new CorruptDataException(RecordName, 0, "expected journals, and seals of these");
        }
        catch (JsonException e)
        {
            throw new CorruptDataException(RecordName, e.BytePositionInLine ?? 0, $"expected the record of journals and seals: {e.Message}");
        }
    }

    public bool IsSealed(int journal) => Seals.Any(s => s.Journal == journal);

    public string NameOf(int journal) => Journals[journal].Name;
}

/// <summary>A journal; its index in the list is its id in vectors.</summary>
/// <param name="Silo">The silo that writes it.</param>
/// <param name="Epoch">The silo's incarnation.</param>
internal sealed record JournalInfo(string Silo, int Epoch)
{
    /// <summary>The process that writes it, where there are several: whether it lives is then known by this.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Host { get; init; }

    [JsonIgnore]
    public string Name => $"{Silo}-{Epoch}";
}
