using System.Net;
using Orleans.Runtime;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Entries of the membership table for tests.</summary>
internal static class Silos
{
    public static readonly DateTime Start = new(2026, 3, 4, 5, 6, 7, 890, DateTimeKind.Utc);

    private static int _generation;

    public static SiloAddress Address(string ip = "10.0.0.1", int port = 11111) => SiloAddress.New(IPAddress.Parse(ip), port, Interlocked.Increment(ref _generation));

    public static MembershipEntry Entry(MemberStatus status = MemberStatus.Joining, DateTime? start = null) => new()
    {
        SiloAddress = Address(),
        Status = status,
        HostName = "host",
        SiloName = "silo",
        ProxyPort = 30000,
        StartTime = start ?? Start,
        IAmAliveTime = start ?? Start,
    };

    /// <summary>Inserts a silo on what the table is now.</summary>
    public static async Task<MembershipEntry> AddAsync(this IMembershipTable table, MembershipEntry entry)
    {
        MembershipTableData now = await table.ReadAllAsync();
        (await table.InsertRowAsync(entry, now.Version.Next())).ShouldBeTrue();
        return entry;
    }

    /// <summary>All that a table has, as text: equal before and after what changes nothing.</summary>
    public static async Task<string> TextAsync(this IMembershipTable table)
    {
        MembershipTableData data = await table.ReadAllAsync();
        return $"{data.Version}\n{string.Join('\n', data.Members.Select(m => $"{m.Item1.ToFullString()} {m.Item1.IAmAliveTime:O} etag {m.Item2}").Order(StringComparer.Ordinal))}";
    }
}
