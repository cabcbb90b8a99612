using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The membership table of Orleans in one record of the storage, per cluster. Every change reads the record and swaps it:
/// table version and rows are read and changed as one. Failures of storage go to Orleans, which tries again.
/// </summary>
internal sealed partial class StreamingMembershipTable(MembershipStore store, IOptions<ClusterOptions> cluster, ILoggerFactory loggers) : IMembershipTable
{
    /// <summary>More silos than this, dead ones included, are not kept, so that the record stays below some megabytes.</summary>
    internal const int MaxSilos = 4096;

    private readonly ILogger _logger = loggers.CreateLogger("OrleansStreaming.Membership");
    private readonly string _clusterId = cluster.Value.ClusterId;

    public async Task InitializeMembershipTableAsync(bool tryInitTableVersion, CancellationToken cancellationToken = default)
    {
        MembershipRecord record = await store.ReadAsync(_clusterId, cancellationToken).ConfigureAwait(false);
        InUse(_logger, _clusterId, MembershipRecord.NameOf(_clusterId), record.Version, record.Silos.Count);
    }

    /// <remarks>The record stays, empty: whoever has read it before fails with what he then tries to change.</remarks>
    public Task DeleteMembershipTableEntriesAsync(string clusterId, CancellationToken cancellationToken = default) => store.ChangeAsync(
        clusterId,
        record => record.Changes == 0 ? null : record with { Silos = [], Version = record.Version + 1, Changes = record.Changes + 1 },
        cancellationToken);

    public async Task CleanupDefunctSiloEntriesAsync(DateTimeOffset beforeDate, CancellationToken cancellationToken = default)
    {
        int removed = 0;
        bool changed = await store.ChangeAsync(
            _clusterId,
            record =>
            {
                MembershipRow[] kept = [.. record.Silos.Where(row => row.SiloStatus == MemberStatus.Active || row.LastSign >= beforeDate.UtcDateTime)];
                removed = record.Silos.Count - kept.Length;
                return removed == 0 ? null : record with { Silos = kept };
            },
            cancellationToken).ConfigureAwait(false);
        if (changed)
        {
            Removed(_logger, removed, _clusterId);
        }
    }

    public async Task<MembershipTableData> ReadRowAsync(SiloAddress key, CancellationToken cancellationToken = default)
    {
        MembershipRecord record = await store.ReadAsync(_clusterId, cancellationToken).ConfigureAwait(false);
        return Find(record, key) is { } row
            ? new MembershipTableData(Tuple.Create(row.ToEntry(), row.Tag), record.TableVersion)
            : new MembershipTableData(record.TableVersion);
    }

    public async Task<MembershipTableData> ReadAllAsync(CancellationToken cancellationToken = default)
    {
        MembershipRecord record = await store.ReadAsync(_clusterId, cancellationToken).ConfigureAwait(false);
        return new MembershipTableData([.. record.Silos.Select(row => Tuple.Create(row.ToEntry(), row.Tag))], record.TableVersion);
    }

    public Task<bool> InsertRowAsync(MembershipEntry entry, TableVersion tableVersion, CancellationToken cancellationToken = default) => store.ChangeAsync(
        _clusterId,
        record => record.VersionTag == tableVersion.VersionEtag && Find(record, entry.SiloAddress) is null
            ? Written(record, entry, tableVersion, MakeRoom(record))
            : null,
        cancellationToken);

    public Task<bool> UpdateRowAsync(MembershipEntry entry, string etag, TableVersion tableVersion, CancellationToken cancellationToken = default) => store.ChangeAsync(
        _clusterId,
        record => record.VersionTag == tableVersion.VersionEtag && Find(record, entry.SiloAddress) is { } row && row.Tag == etag
            ? Written(record, entry, tableVersion, record.Silos.Where(other => other != row))
            : null,
        cancellationToken);

    public Task UpdateIAmAliveAsync(MembershipEntry entry, CancellationToken cancellationToken = default) => store.ChangeAsync(
        _clusterId,
        record =>
        {
            DateTime now = MembershipRow.Utc(entry.IAmAliveTime);
            return Find(record, entry.SiloAddress) is { } row && row.IAmAlive != now
                ? record with { Silos = [.. record.Silos.Where(other => other != row), row with { IAmAlive = now }] }
                : null;
        },
        cancellationToken);

    // As Orleans called it before there were tokens.
    public Task InitializeMembershipTable(bool tryInitTableVersion) => InitializeMembershipTableAsync(tryInitTableVersion);

    public Task DeleteMembershipTableEntries(string clusterId) => DeleteMembershipTableEntriesAsync(clusterId);

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => CleanupDefunctSiloEntriesAsync(beforeDate);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => ReadRowAsync(key);

    public Task<MembershipTableData> ReadAll() => ReadAllAsync();

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => InsertRowAsync(entry, tableVersion);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => UpdateRowAsync(entry, etag, tableVersion);

    public Task UpdateIAmAlive(MembershipEntry entry) => UpdateIAmAliveAsync(entry);

    private static MembershipRow? Find(MembershipRecord record, SiloAddress silo)
    {
        string address = silo.ToParsableString();
        return record.Silos.FirstOrDefault(row => row.Silo == address);
    }

    private static MembershipRecord Written(MembershipRecord record, MembershipEntry entry, TableVersion version, IEnumerable<MembershipRow> others)
    {
        long change = record.Changes + 1;
        return record with { Version = version.Version, Changes = change, Silos = [.. others, MembershipRow.From(entry, change)] };
    }

    /// <summary>What stays when one is to be added: of a full table the dead that have been silent longest go.</summary>
    private IEnumerable<MembershipRow> MakeRoom(MembershipRecord record)
    {
        if (record.Silos.Count < MaxSilos)
        {
            return record.Silos;
        }

        HashSet<MembershipRow> leave = [.. record.Silos.Where(row => row.SiloStatus == MemberStatus.Dead).OrderBy(row => row.LastSign).Take(record.Silos.Count - MaxSilos + 1)];
        if (leave.Count == 0)
        {
            throw new InvalidOperationException($"Cluster '{_clusterId}' has {record.Silos.Count} silos that are not dead; the membership record has room for {MaxSilos}.");
        }

        Full(_logger, _clusterId, MaxSilos, leave.Count);
        return record.Silos.Where(row => !leave.Contains(row));
    }

    [LoggerMessage(3100, LogLevel.Information, "The members of cluster {Cluster} are kept in record {Record}: version {Version}, {Silos} silos")]
    private static partial void InUse(ILogger logger, string cluster, string record, int version, int silos);

    [LoggerMessage(3101, LogLevel.Information, "{Count} silos that are gone for long were removed from the members of cluster {Cluster}")]
    private static partial void Removed(ILogger logger, int count, string cluster);

    [LoggerMessage(3102, LogLevel.Warning, "The record of the members of cluster {Cluster} is full ({Max} silos): {Count} dead ones are removed before their time")]
    private static partial void Full(ILogger logger, string cluster, int max, int count);
}
