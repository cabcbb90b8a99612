using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What Orleans asks of a membership table, clause by clause, on any storage.</summary>
public abstract class MembershipTableTests : IAsyncLifetime
{
    private readonly List<ServiceProvider> _processes = [];
    private IMembershipTable _table = null!;

    public virtual async ValueTask InitializeAsync() => _table = await NewProcessAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_new_table_is_empty_with_version_zero_and_an_etag()
    {
        MembershipTableData data = await _table.ReadAllAsync();
        data.Members.ShouldBeEmpty();
        data.Version.Version.ShouldBe(0);
        data.Version.VersionEtag.ShouldNotBeNullOrEmpty();
        (await _table.ReadRowAsync(Silos.Address())).Members.ShouldBeEmpty();
        await _table.InitializeMembershipTableAsync(true);
        (await _table.ReadAllAsync()).Version.ShouldBe(data.Version);
    }

    [Fact]
    public async Task An_insert_adds_the_row_and_gives_new_etags()
    {
        TableVersion before = (await _table.ReadAllAsync()).Version;
        MembershipEntry entry = Silos.Entry();
        (await _table.InsertRowAsync(entry, before.Next())).ShouldBeTrue();
        MembershipTableData first = await _table.ReadAllAsync();
        first.Version.Version.ShouldBe(1);
        first.Version.VersionEtag.ShouldNotBe(before.VersionEtag);
        first.Members.Single().Item1.ToFullString().ShouldBe(entry.ToFullString());
        string etag = first.Members.Single().Item2.ShouldNotBeNull();

        MembershipEntry other = await _table.AddAsync(Silos.Entry());
        MembershipTableData second = await _table.ReadAllAsync();
        second.Version.Version.ShouldBe(2);
        second.Version.VersionEtag.ShouldNotBe(first.Version.VersionEtag);
        second.TryGet(entry.SiloAddress)!.Item2.ShouldBe(etag);
        second.TryGet(other.SiloAddress)!.Item2.ShouldNotBe(etag);
    }

    [Fact]
    public async Task An_insert_on_an_older_table_fails_and_changes_nothing()
    {
        TableVersion old = (await _table.ReadAllAsync()).Version;
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        string before = await _table.TextAsync();
        (await _table.InsertRowAsync(Silos.Entry(), old.Next())).ShouldBeFalse();
        (await _table.InsertRowAsync(entry, old.Next())).ShouldBeFalse();
        (await _table.InsertRowAsync(Silos.Entry(), new TableVersion(2, "made up"))).ShouldBeFalse();
        (await _table.TextAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task An_insert_of_a_silo_that_is_there_fails_and_changes_nothing()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        string before = await _table.TextAsync();
        MembershipEntry again = Silos.Entry(MemberStatus.Active);
        again.SiloAddress = entry.SiloAddress;
        (await _table.InsertRowAsync(again, (await _table.ReadAllAsync()).Version.Next())).ShouldBeFalse();
        (await _table.TextAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task An_update_replaces_the_row_and_gives_new_etags()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        MembershipEntry other = await _table.AddAsync(Silos.Entry());
        MembershipTableData before = await _table.ReadAllAsync();
        MembershipEntry changed = Silos.Entry(MemberStatus.Dead);
        changed.SiloAddress = entry.SiloAddress;
        changed.HostName = "another";
        changed.AddSuspector(other.SiloAddress, Silos.Start);
        (await _table.UpdateRowAsync(changed, before.TryGet(entry.SiloAddress)!.Item2, before.Version.Next())).ShouldBeTrue();

        MembershipTableData after = await _table.ReadAllAsync();
        after.Version.Version.ShouldBe(3);
        after.Version.VersionEtag.ShouldNotBe(before.Version.VersionEtag);
        after.TryGet(entry.SiloAddress)!.Item1.ToFullString().ShouldBe(changed.ToFullString());
        after.TryGet(entry.SiloAddress)!.Item2.ShouldNotBe(before.TryGet(entry.SiloAddress)!.Item2);
        after.TryGet(other.SiloAddress)!.Item2.ShouldBe(before.TryGet(other.SiloAddress)!.Item2);
        after.Members.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_update_with_an_older_etag_of_the_row_or_the_table_fails_and_changes_nothing()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        MembershipTableData old = await _table.ReadAllAsync();
        (await _table.UpdateRowAsync(entry, old.Members[0].Item2, old.Version.Next())).ShouldBeTrue();
        MembershipTableData now = await _table.ReadAllAsync();
        string before = await _table.TextAsync();
        entry.Status = MemberStatus.Dead;
        (await _table.UpdateRowAsync(entry, old.Members[0].Item2, old.Version.Next())).ShouldBeFalse();
        (await _table.UpdateRowAsync(entry, now.Members[0].Item2, old.Version.Next())).ShouldBeFalse();
        (await _table.UpdateRowAsync(entry, old.Members[0].Item2, now.Version.Next())).ShouldBeFalse();
        (await _table.UpdateRowAsync(entry, "made up", now.Version.Next())).ShouldBeFalse();
        (await _table.TextAsync()).ShouldBe(before);
        (await _table.UpdateRowAsync(entry, now.Members[0].Item2, now.Version.Next())).ShouldBeTrue();
    }

    [Fact]
    public async Task An_update_of_a_silo_that_is_not_there_fails_and_changes_nothing()
    {
        await _table.AddAsync(Silos.Entry());
        MembershipTableData now = await _table.ReadAllAsync();
        string before = await _table.TextAsync();
        (await _table.UpdateRowAsync(Silos.Entry(), now.Members[0].Item2, now.Version.Next())).ShouldBeFalse();
        (await _table.TextAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_row_is_read_with_the_version_of_its_table()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        await _table.AddAsync(Silos.Entry());
        MembershipTableData all = await _table.ReadAllAsync();
        MembershipTableData row = await _table.ReadRowAsync(entry.SiloAddress);
        row.Version.ShouldBe(all.Version);
        row.Members.Single().Item1.ToFullString().ShouldBe(entry.ToFullString());
        row.Members.Single().Item2.ShouldBe(all.TryGet(entry.SiloAddress)!.Item2);
        MembershipTableData none = await _table.ReadRowAsync(Silos.Address());
        none.Members.ShouldBeEmpty();
        none.Version.ShouldBe(all.Version);
    }

    [Fact]
    public async Task Everything_that_is_known_of_a_silo_is_kept()
    {
        MembershipEntry full = Silos.Entry(MemberStatus.ShuttingDown);
        full.SiloAddress = Silos.Address("fd00::12", 22222);
        full.SuspectTimes = [Tuple.Create(Silos.Address(), Silos.Start.AddTicks(1)), Tuple.Create(Silos.Address("::1"), Silos.Start.AddHours(1))];
        (full.RoleName, full.UpdateZone, full.FaultZone, full.HostName, full.SiloName) = ("role \"1\"", 3, 4, "höst", "silo\n1");
        (full.StartTime, full.IAmAliveTime) = (Silos.Start.AddTicks(7), DateTime.SpecifyKind(Silos.Start, DateTimeKind.Unspecified));
        MembershipEntry sparse = new() { SiloAddress = Silos.Address(), Status = MemberStatus.Created };
        await _table.AddAsync(full);
        await _table.AddAsync(sparse);

        MembershipTableData data = await (await NewProcessAsync()).ReadAllAsync();
        MembershipEntry read = data.TryGet(full.SiloAddress)!.Item1;
        read.ToFullString().ShouldBe(full.ToFullString());
        read.SuspectTimes!.ShouldBe(full.SuspectTimes);
        (read.StartTime, read.StartTime.Kind, read.IAmAliveTime, read.IAmAliveTime.Kind).ShouldBe((full.StartTime, DateTimeKind.Utc, Silos.Start, DateTimeKind.Utc));
        MembershipEntry nothing = data.TryGet(sparse.SiloAddress)!.Item1;
        nothing.ToFullString().ShouldBe(sparse.ToFullString());
        nothing.SuspectTimes.ShouldBeNull();
        foreach (MemberStatus status in Enum.GetValues<MemberStatus>())
        {
            MembershipEntry entry = await _table.AddAsync(Silos.Entry(status));
            (await _table.ReadRowAsync(entry.SiloAddress)).Members[0].Item1.Status.ShouldBe(status);
        }
    }

    [Fact]
    public async Task Telling_that_a_silo_is_alive_changes_that_and_no_etag()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry(MemberStatus.Active));
        MembershipEntry other = await _table.AddAsync(Silos.Entry(MemberStatus.Active));
        MembershipTableData before = await _table.ReadAllAsync();
        await _table.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = entry.SiloAddress, IAmAliveTime = Silos.Start.AddMinutes(9) });

        MembershipTableData after = await _table.ReadAllAsync();
        after.Version.ShouldBe(before.Version);
        after.TryGet(entry.SiloAddress)!.Item1.IAmAliveTime.ShouldBe(Silos.Start.AddMinutes(9));
        entry.IAmAliveTime = Silos.Start.AddMinutes(9);
        after.TryGet(entry.SiloAddress)!.Item1.ToFullString().ShouldBe(entry.ToFullString());
        after.TryGet(entry.SiloAddress)!.Item2.ShouldBe(before.TryGet(entry.SiloAddress)!.Item2);
        after.TryGet(other.SiloAddress)!.Item1.IAmAliveTime.ShouldBe(Silos.Start);

        // Who read the table before may still change it.
        (await _table.UpdateRowAsync(other, before.TryGet(other.SiloAddress)!.Item2, before.Version.Next())).ShouldBeTrue();
        string text = await _table.TextAsync();
        await _table.UpdateIAmAliveAsync(Silos.Entry());
        (await _table.TextAsync()).ShouldBe(text);
    }

    [Fact]
    public async Task Of_many_inserts_on_the_same_table_one_succeeds()
    {
        TableVersion version = (await _table.ReadAllAsync()).Version.Next();
        IMembershipTable[] tables = [_table, await NewProcessAsync(), await NewProcessAsync()];
        bool[] same = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => tables[i % 3].InsertRowAsync(Silos.Entry(), version))));
        same.Count(inserted => inserted).ShouldBe(1);
        (await _table.ReadAllAsync()).Members.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Of_many_writers_none_loses_what_another_has_written()
    {
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        MembershipEntry[] alive = [await _table.AddAsync(Silos.Entry()), await _table.AddAsync(Silos.Entry())];
        Task updating = Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
        {
            IMembershipTable table = await NewProcessAsync();
            while (true)
            {
                MembershipTableData now = await table.ReadAllAsync();
                (MembershipEntry mine, string etag) = now.TryGet(entry.SiloAddress)!;
                mine.AddSuspector(Silos.Address(), Silos.Start.AddSeconds(i));
                if (await table.UpdateRowAsync(mine, etag, now.Version.Next()))
                {
                    return;
                }
            }
        })));
        Task telling = Task.WhenAll(alive.Select(silo => Task.Run(async () =>
        {
            IMembershipTable table = await NewProcessAsync();
            for (int i = 1; i <= 50; i++)
            {
                await table.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = Silos.Start.AddSeconds(i) });
            }
        })));
        await Task.WhenAll(updating, telling);

        MembershipTableData data = await _table.ReadAllAsync();
        data.Version.Version.ShouldBe(23);
        data.TryGet(entry.SiloAddress)!.Item1.SuspectTimes!.Select(s => s.Item2).Order().ShouldBe(Enumerable.Range(0, 20).Select(i => Silos.Start.AddSeconds(i)));
        alive.ShouldAllBe(silo => data.TryGet(silo.SiloAddress)!.Item1.IAmAliveTime == Silos.Start.AddSeconds(50));
    }

    [Fact]
    public async Task Cleaning_up_removes_what_is_not_active_and_silent_for_long()
    {
        DateTime limit = Silos.Start.AddDays(-3);
        MembershipEntry fresh = await _table.AddAsync(Silos.Entry(MemberStatus.Dead));
        MembershipEntry startedLate = await _table.AddAsync(Silos.Entry(MemberStatus.Joining, limit.AddTicks(-1)));
        MembershipEntry atTheLimit = await _table.AddAsync(Silos.Entry(MemberStatus.Dead, limit));
        MembershipEntry justBuried = Silos.Entry(MemberStatus.Dead, Silos.Start.AddDays(-10));
        justBuried.AddSuspector(fresh.SiloAddress, Silos.Start);
        await _table.AddAsync(justBuried);
        foreach (MemberStatus status in Enum.GetValues<MemberStatus>())
        {
            await _table.AddAsync(Silos.Entry(status, Silos.Start.AddDays(-10)));
        }

        await _table.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = startedLate.SiloAddress, IAmAliveTime = limit });
        MembershipTableData before = await _table.ReadAllAsync();
        await _table.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(limit).ToOffset(TimeSpan.FromHours(5)));
        MembershipTableData after = await _table.ReadAllAsync();
        SiloAddress active = before.Members.Single(m => m.Item1.Status == MemberStatus.Active).Item1.SiloAddress;
        after.Members.Select(m => m.Item1.SiloAddress).ShouldBe([fresh.SiloAddress, startedLate.SiloAddress, atTheLimit.SiloAddress, justBuried.SiloAddress, active], ignoreOrder: true);
        after.Version.ShouldBe(before.Version);
        after.Members.ShouldAllBe(m => m.Item2 == before.TryGet(m.Item1.SiloAddress)!.Item2);
    }

    [Fact]
    public async Task Deleting_the_entries_of_a_cluster_leaves_none_and_nothing_stale_can_be_written()
    {
        IMembershipTable other = await NewProcessAsync("other");
        MembershipEntry entry = await _table.AddAsync(Silos.Entry());
        await other.AddAsync(Silos.Entry());
        MembershipTableData old = await _table.ReadAllAsync();
        string others = await other.TextAsync();

        await other.DeleteMembershipTableEntriesAsync("test");
        (await _table.ReadAllAsync()).Members.ShouldBeEmpty();
        (await other.TextAsync()).ShouldBe(others);
        (await _table.InsertRowAsync(Silos.Entry(), old.Version.Next())).ShouldBeFalse();
        (await _table.UpdateRowAsync(entry, old.Members[0].Item2, old.Version.Next())).ShouldBeFalse();
        await _table.UpdateIAmAliveAsync(entry);
        (await _table.ReadAllAsync()).Members.ShouldBeEmpty();
        await _table.AddAsync(entry);

        await _table.DeleteMembershipTableEntriesAsync("never there");
        await using IStorage storage = await OpenAsync();
        (await storage.ReadRecordAsync(MembershipRecord.NameOf("never there"), TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Fact]
    public async Task Each_cluster_has_a_table_of_its_own_whatever_its_name()
    {
        string[] names = ["a", "A", "a/b", "a%2Fb", "a b", "ünïcode", "~", "..", new string('x', 300), new string('x', 301), new string('/', 90)];
        var tables = new Dictionary<string, (IMembershipTable Table, SiloAddress Silo)>();
        foreach (string name in names)
        {
            IMembershipTable table = await NewProcessAsync(name);
            tables.Add(name, (table, (await table.AddAsync(Silos.Entry())).SiloAddress));
        }

        foreach ((string name, (IMembershipTable table, SiloAddress silo)) in tables)
        {
            (await table.ReadAllAsync()).Members.Select(m => m.Item1.SiloAddress).ShouldBe([silo], name);
        }
    }

    [Fact]
    public async Task A_table_of_many_silos_is_read_as_a_whole()
    {
        for (int i = 0; i < 200; i++)
        {
            await _table.AddAsync(Silos.Entry(i % 3 == 0 ? MemberStatus.Dead : MemberStatus.Active));
        }

        MembershipTableData data = await _table.ReadAllAsync();
        data.Version.Version.ShouldBe(200);
        data.Members.Select(m => m.Item1.SiloAddress).Distinct().Count().ShouldBe(200);
        data.Members.Select(m => m.Item2).ShouldBeUnique();
    }

    /// <summary>Opens the storage as one more process does.</summary>
    protected abstract ValueTask<IStorage> OpenAsync();

    private async Task<IMembershipTable> NewProcessAsync(string clusterId = "test")
    {
        ServiceProvider process = Apps.Clustered((_, _) => OpenAsync(), clusterId);
        lock (_processes)
        {
            _processes.Add(process);
        }

        IMembershipTable table = process.GetRequiredService<IMembershipTable>();
        await table.InitializeMembershipTableAsync(true);
        return table;
    }
}
