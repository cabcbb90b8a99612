using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Clustering;

/// <summary>One silo in the membership record.</summary>
internal sealed record MembershipRow
{
    /// <summary>Address, port and generation, as Orleans writes and parses them.</summary>
    [JsonRequired]
    public required string Silo { get; init; }

    /// <summary>The change that wrote the row, apart from <see cref="IAmAlive"/>: its etag.</summary>
    [JsonRequired]
    public long Change { get; init; }

    /// <summary>By name, so that people can read it.</summary>
    [JsonRequired]
    public required string Status { get; init; }

    public IReadOnlyList<SuspicionRow>? Suspicions { get; init; }

    public int ProxyPort { get; init; }

    public string? HostName { get; init; }

    public string? SiloName { get; init; }

    public string? RoleName { get; init; }

    public int UpdateZone { get; init; }

    public int FaultZone { get; init; }

    [JsonRequired]
    public DateTime Start { get; init; }

    [JsonRequired]
    public DateTime IAmAlive { get; init; }

    [JsonIgnore]
    public string Tag => TagOf(Change);

    [JsonIgnore]
    public MemberStatus SiloStatus => Enum.Parse<MemberStatus>(Status);

    /// <summary>Whether it can be read, so that no reader fails later on.</summary>
    [JsonIgnore]
    public bool IsValid =>
        SiloAddress.TryParse(Silo, out _) && Enum.TryParse(Status, out MemberStatus status) && Enum.IsDefined(status)
        && (Suspicions is null || Suspicions.All(s => s is not null && SiloAddress.TryParse(s.By, out _)));

    /// <summary>The last moment at which anything is known to have happened to it, a suspicion too.</summary>
    [JsonIgnore]
    public DateTime LastSign => (Suspicions ?? []).Select(s => s.At).Append(Start).Append(IAmAlive).Max();

    public static string TagOf(long change) => change.ToString(CultureInfo.InvariantCulture);

    public static MembershipRow From(MembershipEntry entry, long change) => new()
    {
        Silo = entry.SiloAddress.ToParsableString(),
        Change = change,
        Status = entry.Status.ToString(),
        Suspicions = entry.SuspectTimes is null ? null : [.. entry.SuspectTimes.Select(vote => new SuspicionRow(vote.Item1.ToParsableString(), Utc(vote.Item2)))],
        ProxyPort = entry.ProxyPort,
        HostName = entry.HostName,
        SiloName = entry.SiloName,
        RoleName = entry.RoleName,
        UpdateZone = entry.UpdateZone,
        FaultZone = entry.FaultZone,
        Start = Utc(entry.StartTime),
        IAmAlive = Utc(entry.IAmAliveTime),
    };

    public MembershipEntry ToEntry() => new()
    {
        SiloAddress = SiloAddress.FromParsableString(Silo),
        Status = SiloStatus,
        SuspectTimes = Suspicions?.Select(s => Tuple.Create(SiloAddress.FromParsableString(s.By), Utc(s.At))).ToList()!,
        ProxyPort = ProxyPort,
        HostName = HostName!,
        SiloName = SiloName!,
        RoleName = RoleName!,
        UpdateZone = UpdateZone,
        FaultZone = FaultZone,
        StartTime = Utc(Start),
        IAmAliveTime = Utc(IAmAlive),
    };

    /// <summary>Orleans means UTC throughout, whatever the kind of a value says.</summary>
    public static DateTime Utc(DateTime time) => time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : DateTime.SpecifyKind(time, DateTimeKind.Utc);
}

/// <summary>A vote that a silo is dead.</summary>
/// <param name="By">The silo that votes.</param>
/// <param name="At">When.</param>
internal sealed record SuspicionRow([property: JsonRequired] string By, [property: JsonRequired] DateTime At);
