using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Topologies;

/// <content>The stored form: indented JSON with a CRC-32C of its content.</content>
internal sealed partial class DeploymentManifest
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // '<' and '+' in names stay readable; this is never HTML
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter<KeyKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>The manifest as it is stored.</summary>
    public byte[] ToBytes()
    {
        Stored stored = new(CurrentFormat, null, Deployment, KeyHashName, NextIds, Streams, Operators, Sinks);
        return JsonSerializer.SerializeToUtf8Bytes(stored with { Checksum = ChecksumOf(stored) }, Json);
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">The bytes are damaged or something else.</exception>
    /// <exception cref="DeploymentMismatchException">A newer version of the product wrote them.</exception>
    public static DeploymentManifest Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            // The version first: what follows may look different in a newer one.
            FormatOnly version = JsonSerializer.Deserialize<FormatOnly>(bytes) ?? throw new FormatException("The stored deployment manifest is damaged: it is null.");
            if (version.Format > CurrentFormat)
            {
                throw new DeploymentMismatchException(
                    [$"The stored manifest has format {version.Format}, and this version reads up to {CurrentFormat}: start a newer version of OrleansStreaming."]);
            }

            Stored stored = JsonSerializer.Deserialize<Stored>(bytes, Json)!;
            string? mistake = version.Format < 1 ? $"it has format {version.Format}" : Check(stored);
            return mistake is null
                ? new DeploymentManifest(stored.Deployment, stored.KeyHash, stored.NextIds, stored.Streams, stored.Operators, stored.Sinks)
                : throw new FormatException($"The stored deployment manifest is damaged: {mistake}.");
        }
        catch (JsonException e)
        {
            throw new FormatException($"The stored deployment manifest is damaged: {e.Message}", e);
        }
    }

    private static string? Check(Stored stored)
    {
        string expected = ChecksumOf(stored with { Checksum = null });
        if (stored.Checksum != expected)
        {
            return $"its checksum is {stored.Checksum ?? "missing"}, and its content has {expected}";
        }

        return CheckIds("streams", stored.Streams, stored.NextIds.Stream)
            ?? CheckIds("operators", stored.Operators, stored.NextIds.Operator)
            ?? CheckIds("sinks", stored.Sinks, stored.NextIds.Sink);
    }

    private static string? CheckIds(string what, IReadOnlyList<IManifestEntry> entries, int next)
    {
        bool distinct = entries.DistinctBy(e => e.Id).Count() == entries.Count && entries.DistinctBy(e => e.Name).Count() == entries.Count;
        return distinct && entries.All(e => e.Id >= 1 && e.Id < next) ? null : $"its {what} have ids or names that cannot be";
    }

    // Over the content as this version writes it, so that nobody needs to keep white space while looking at it.
    private static string ChecksumOf(Stored stored)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in JsonSerializer.SerializeToUtf8Bytes(stored, Json))
        {
            sum = BitOperations.Crc32C(sum, b);
        }

        return (~sum).ToString("x8", CultureInfo.InvariantCulture);
    }

    private sealed record FormatOnly([property: JsonPropertyName("format")] int Format);

    private sealed record Stored(
        int Format,
        string? Checksum,
        string Deployment,
        string KeyHash,
        NextIds NextIds,
        IReadOnlyList<StreamEntry> Streams,
        IReadOnlyList<OperatorEntry> Operators,
        IReadOnlyList<SinkEntry> Sinks);
}
