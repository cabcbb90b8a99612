using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Files;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>The membership table on storage that fails, is full, damaged, slow or taken; and what clients read of it.</summary>
public sealed class MembershipStorageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Failures_of_storage_surface_and_change_nothing()
    {
        await using var storage = new DisturbedStorage(new InMemoryStorage());
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(storage));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        MembershipEntry entry = await table.AddAsync(Silos.Entry());
        string before = await table.TextAsync();
        MembershipTableData data = await table.ReadAllAsync();

        storage.Before = _ => throw new StorageException("away");
        await Should.ThrowAsync<StorageException>(() => table.InitializeMembershipTableAsync(true));
        await Should.ThrowAsync<StorageException>(() => table.ReadAllAsync());
        await Should.ThrowAsync<StorageException>(() => table.ReadRowAsync(entry.SiloAddress));
        await Should.ThrowAsync<StorageException>(() => table.InsertRowAsync(Silos.Entry(), data.Version.Next()));
        await Should.ThrowAsync<StorageException>(() => table.UpdateRowAsync(entry, data.Members[0].Item2, data.Version.Next()));
        await Should.ThrowAsync<StorageException>(() => table.UpdateIAmAliveAsync(Silos.Entry()));
        await Should.ThrowAsync<StorageException>(() => table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.MaxValue));
        await Should.ThrowAsync<StorageException>(() => table.DeleteMembershipTableEntriesAsync("test"));

        storage.Before = static _ => default;
        (await table.TextAsync()).ShouldBe(before);
        (await table.InsertRowAsync(Silos.Entry(), data.Version.Next())).ShouldBeTrue();
    }

    [Fact]
    public async Task An_insert_whose_answer_was_lost_is_seen_by_who_reads_again()
    {
        await using var storage = new DisturbedStorage(new InMemoryStorage());
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(storage));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        MembershipEntry entry = Silos.Entry();
        storage.AfterSwap = () => throw new StorageException("no answer") { Ambiguous = true };
        TableVersion version = (await table.ReadAllAsync()).Version.Next();
        (await Should.ThrowAsync<StorageException>(() => table.InsertRowAsync(entry, version))).Ambiguous.ShouldBeTrue();

        storage.AfterSwap = static () => default;
        (await table.InsertRowAsync(entry, version)).ShouldBeFalse();
        MembershipTableData data = await table.ReadAllAsync();
        data.Version.Version.ShouldBe(1);
        entry.Status = MemberStatus.Active;
        (await table.UpdateRowAsync(entry, data.TryGet(entry.SiloAddress)!.Item2, data.Version.Next())).ShouldBeTrue();
    }

    [Fact]
    public async Task A_change_that_meets_another_is_made_anew_on_what_that_has_left()
    {
        await using var data = new InMemoryStorage();
        await using var storage = new DisturbedStorage(data.Share());
        await using ServiceProvider here = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(storage));
        await using ServiceProvider there = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(data.Share()));
        IMembershipTable mine = here.GetRequiredService<IMembershipTable>();
        IMembershipTable theirs = there.GetRequiredService<IMembershipTable>();
        MembershipEntry first = await mine.AddAsync(Silos.Entry());
        MembershipEntry second = await mine.AddAsync(Silos.Entry());

        // Both tell that they are alive.
        Between(storage, () => theirs.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = second.SiloAddress, IAmAliveTime = Silos.Start.AddHours(2) }));
        await mine.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = first.SiloAddress, IAmAliveTime = Silos.Start.AddHours(1) });
        MembershipTableData now = await mine.ReadAllAsync();
        now.TryGet(first.SiloAddress)!.Item1.IAmAliveTime.ShouldBe(Silos.Start.AddHours(1));
        now.TryGet(second.SiloAddress)!.Item1.IAmAliveTime.ShouldBe(Silos.Start.AddHours(2));

        // That does not keep an insert from succeeding; another insert does.
        Between(storage, () => theirs.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = second.SiloAddress, IAmAliveTime = Silos.Start.AddHours(3) }));
        (await mine.InsertRowAsync(Silos.Entry(), now.Version.Next())).ShouldBeTrue();
        now = await mine.ReadAllAsync();
        now.TryGet(second.SiloAddress)!.Item1.IAmAliveTime.ShouldBe(Silos.Start.AddHours(3));
        Between(storage, () => theirs.AddAsync(Silos.Entry()));
        (await mine.InsertRowAsync(Silos.Entry(), now.Version.Next())).ShouldBeFalse();
        (await mine.ReadAllAsync()).Members.Count.ShouldBe(4);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"clusterId":"test","version":1,"changes":1}""")]
    [InlineData("""{"clusterId":"other","version":1,"changes":1,"silos":[]}""")]
    [InlineData("""{"clusterId":"test","version":1,"changes":1,"silos":[null]}""")]
    [InlineData("""{"clusterId":"test","version":1,"changes":1,"silos":[{"silo":"nowhere","change":1,"status":"Active","start":"2026-01-01T00:00:00Z","iAmAlive":"2026-01-01T00:00:00Z"}]}""")]
    [InlineData("""{"clusterId":"test","version":1,"changes":1,"silos":[{"silo":"10.0.0.1:1@1","change":1,"status":"Sleepy","start":"2026-01-01T00:00:00Z","iAmAlive":"2026-01-01T00:00:00Z"}]}""")]
    public async Task A_damaged_record_is_reported_and_not_overwritten(string content)
    {
        await using var data = new InMemoryStorage();
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        string name = MembershipRecord.NameOf("test");
        await data.SwapRecordAsync(name, null, bytes, Cancel);
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(data.Share()));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        (await Should.ThrowAsync<CorruptDataException>(() => table.ReadAllAsync())).File.ShouldBe(name);
        await Should.ThrowAsync<CorruptDataException>(() => table.InsertRowAsync(Silos.Entry(), new TableVersion(1, "0")));
        await Should.ThrowAsync<CorruptDataException>(() => table.DeleteMembershipTableEntriesAsync("test"));
        (await data.ReadRecordAsync(name, Cancel))!.Content.ToArray().ShouldBe(bytes);
    }

    [Fact]
    public async Task A_full_table_drops_the_dead_that_were_silent_longest_and_never_the_living()
    {
        await using var data = new InMemoryStorage();
        var full = new MembershipRecord
        {
            ClusterId = "test",
            Version = 7,
            Changes = 7,
            Silos = [.. Enumerable.Range(0, StreamingMembershipTable.MaxSilos).Select(i => MembershipRow.From(Silos.Entry(i < 2 ? MemberStatus.Dead : MemberStatus.Active, Silos.Start.AddSeconds(-i)), i))],
        };
        full.ToBytes().Length.ShouldBeLessThan(4 << 20);
        await data.SwapRecordAsync(MembershipRecord.NameOf("test"), null, full.ToBytes(), Cancel);
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(data.Share()));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();

        await table.AddAsync(Silos.Entry());
        MembershipTableData after = await table.ReadAllAsync();
        after.Members.Count.ShouldBe(StreamingMembershipTable.MaxSilos);
        after.Members.Single(m => m.Item1.Status == MemberStatus.Dead).Item1.SiloAddress.ToParsableString().ShouldBe(full.Silos[0].Silo);
        await table.AddAsync(Silos.Entry());
        string before = await table.TextAsync();
        TableVersion next = (await table.ReadAllAsync()).Version.Next();
        await Should.ThrowAsync<InvalidOperationException>(() => table.InsertRowAsync(Silos.Entry(), next));
        (await table.TextAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Storage_that_does_not_answer_is_given_up()
    {
        await using var storage = new DisturbedStorage(new InMemoryStorage());
        var time = new HurriedTime();
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(storage), more: services => services.AddSingleton<TimeProvider>(time));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        storage.Before = cancel => new ValueTask(Task.Delay(Timeout.Infinite, cancel));
        StorageException error = await Should.ThrowAsync<StorageException>(() => table.ReadAllAsync());
        error.Message.ShouldContain("not answered for 30 s");
        error.Ambiguous.ShouldBeTrue();
        time.Waited.ShouldBe([TimeSpan.FromSeconds(30)]);
    }

    [Fact]
    public async Task A_token_gives_up_the_request_itself()
    {
        await using var storage = new DisturbedStorage(new InMemoryStorage());
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(storage));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        MembershipEntry entry = await table.AddAsync(Silos.Entry());
        MembershipTableData data = await table.ReadAllAsync();
        string before = await table.TextAsync();
        Func<CancellationToken, Task>[] calls =
        [
            token => table.InitializeMembershipTableAsync(true, token),
            token => table.ReadAllAsync(token),
            token => table.ReadRowAsync(entry.SiloAddress, token),
            token => table.InsertRowAsync(Silos.Entry(), data.Version.Next(), token),
            token => table.UpdateRowAsync(entry, data.Members[0].Item2, data.Version.Next(), token),
            token => table.UpdateIAmAliveAsync(Silos.Entry(), token),
            token => table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.MaxValue, token),
            token => table.DeleteMembershipTableEntriesAsync("test", token),
        ];
        foreach (Func<CancellationToken, Task> call in calls)
        {
            var asked = new TaskCompletionSource();
            var gaveUp = new TaskCompletionSource();
            storage.Before = async cancel =>
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                gaveUp.TrySetResult();
                cancel.ThrowIfCancellationRequested();
            };
            using var stop = new CancellationTokenSource();
            Task running = call(stop.Token);
            await asked.Task;
            await stop.CancelAsync();
            (await Should.ThrowAsync<OperationCanceledException>(running)).CancellationToken.ShouldBe(stop.Token);
            gaveUp.Task.IsCompleted.ShouldBeTrue("the storage itself was told");
        }

        storage.Before = static _ => default;
        (await table.TextAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_folder_that_another_process_uses_is_said_to_be_no_place_for_several()
    {
        using var folder = new TempFolder();
        FileStorage taken = FileStorage.Open(folder.Path);
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(FileStorage.Open(folder.Path)));
        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        string message = (await Should.ThrowAsync<StorageException>(() => table.InitializeMembershipTableAsync(true))).Message;
        message.ShouldContain("in use");
        message.ShouldContain("UseAzureBlobs");

        await taken.DisposeAsync();
        await table.InitializeMembershipTableAsync(true);
        await table.AddAsync(Silos.Entry());
        (await table.ReadAllAsync()).Members.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Clients_find_the_active_silos_that_have_a_gateway()
    {
        await using var data = new InMemoryStorage();
        await using ServiceProvider app = Apps.Clustered((_, _) => ValueTask.FromResult<IStorage>(data.Share()));
        StreamingGatewayListProvider gateways = app.GetRequiredService<StreamingGatewayListProvider>();
        await gateways.InitializeGatewayListProvider();
        (await gateways.GetGateways()).ShouldBeEmpty();

        IMembershipTable table = app.GetRequiredService<IMembershipTable>();
        MembershipEntry first = await table.AddAsync(Silos.Entry(MemberStatus.Active));
        MembershipEntry second = Silos.Entry(MemberStatus.Active);
        second.SiloAddress = Silos.Address("fd00::12");
        second.ProxyPort = 40000;
        await table.AddAsync(second);
        MembershipEntry closed = Silos.Entry(MemberStatus.Active);
        closed.ProxyPort = 0;
        await table.AddAsync(closed);
        foreach (MemberStatus status in Enum.GetValues<MemberStatus>().Where(s => s != MemberStatus.Active))
        {
            await table.AddAsync(Silos.Entry(status));
        }

        (await gateways.GetGateways()).Select(g => g.ToString()).ShouldBe(
            [$"gwy.tcp://10.0.0.1:30000/{first.SiloAddress.Generation}", $"gwy.tcp://[fd00::12]:40000/{second.SiloAddress.Generation}"], ignoreOrder: true);
        gateways.MaxStaleness.ShouldBeGreaterThan(TimeSpan.Zero);
    }

    /// <summary>Lets another process do something between the next reading and the swap that follows it.</summary>
    private static void Between(DisturbedStorage storage, Func<Task> other)
    {
        int calls = 0;
        storage.Before = async _ =>
        {
            if (++calls == 2)
            {
                await other();
            }
        };
    }

    /// <summary>Whatever is waited for is due at once.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        public List<TimeSpan> Waited { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waited.Add(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
        }
    }
}
