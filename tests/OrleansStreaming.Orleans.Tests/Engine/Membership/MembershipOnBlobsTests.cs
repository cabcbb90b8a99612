using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Azure.Tests;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>The membership table on blobs: every clause, and then what becomes of it while requests are disturbed.</summary>
public sealed class MembershipOnBlobsTests(Azurite azurite) : MembershipTableTests
{
    private const int Silos = 4;
    private const int Steps = 10;

    private readonly string _container = azurite.NextName();

    /// <remarks>
    /// The emulator is started here and not by the first table that opens its storage: a table gives up after half a minute,
    /// and where the emulator must be installed first, that may take longer.
    /// </remarks>
    public override async ValueTask InitializeAsync()
    {
        await azurite.ConnectAsync();
        await base.InitializeAsync();
    }

    /// <summary>
    /// Silos join and change their rows as Orleans has them do it: read, change on what was read, and again when that failed.
    /// Every step takes effect once, and nobody sees the table go back.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task In_a_bad_hour_every_change_takes_effect_once(int seed)
    {
        await using var faults = new RandomFaults(seed, FaultRates.BadHour);
        await Task.WhenAll(Enumerable.Range(0, Silos).Select(_ => RunSiloAsync(faults)));
        faults.Counts.Values.Sum().ShouldBeGreaterThan(5, "requests were disturbed");

        await using ServiceProvider app = Apps.Clustered((_, _) => OpenAsync());
        MembershipTableData data = await ReadPatientlyAsync(app.GetRequiredService<IMembershipTable>());
        data.Version.Version.ShouldBe(Silos * Steps);
        data.Members.Count.ShouldBe(Silos);
        data.Members.ShouldAllBe(m => m.Item1.FaultZone == Steps && m.Item1.IAmAliveTime > m.Item1.StartTime);
        data.Members.Select(m => m.Item2).ShouldBeUnique();
    }

    protected override ValueTask<IStorage> OpenAsync() => azurite.OpenBlobsAsync(_container);

    /// <summary>Nothing disturbs it, but the emulator waits for a disk that others use, and an operation gives up after half a minute.</summary>
    private static async Task<MembershipTableData> ReadPatientlyAsync(IMembershipTable table)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return await table.ReadAllAsync();
            }
            catch (StorageException) when (attempt < 4)
            {
                // Again.
            }
        }
    }

    private async Task RunSiloAsync(RandomFaults faults)
    {
        await using ServiceProvider app = Apps.Clustered((_, _) => azurite.OpenBlobsAsync(_container, faults));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        MembershipEntry entry = Tests.Silos.Entry();
        int version = 0;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        for (int step = 1; step <= Steps; step++)
        {
            (entry.FaultZone, entry.Status) = (step, step == 1 ? MemberStatus.Joining : MemberStatus.Active);
            entry.IAmAliveTime = entry.StartTime.AddSeconds(step);
            while (!await IsDoneAsync())
            {
            }
        }

        async Task<bool> IsDoneAsync()
        {
            try
            {
                MembershipTableData now = await table.ReadAllAsync(limit.Token);
                now.Version.Version.ShouldBeGreaterThanOrEqualTo(version);
                version = now.Version.Version;
                if (now.TryGet(entry.SiloAddress) is not { } mine)
                {
                    return await table.InsertRowAsync(entry, now.Version.Next(), limit.Token);
                }

                await table.UpdateIAmAliveAsync(entry, limit.Token);
                return mine.Item1.FaultZone == entry.FaultZone || await table.UpdateRowAsync(entry, mine.Item2, now.Version.Next(), limit.Token);
            }
            catch (StorageException)
            {
                return false; // It may have taken effect or not: who reads again knows.
            }
        }
    }
}
