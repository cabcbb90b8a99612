using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Files;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

public sealed class SharedStorageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool>();
            foreach (StorageConformanceCase c in StorageConformance.For(StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes))
            {
                cases.Add(c.Name, false);
                cases.Add(c.Name, true);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_lease_keeps_the_contract_of_storage(string name, bool oneProcess)
    {
        await using var storage = new LeasesUnderTest(oneProcess);
        await StorageConformance.Find(name).RunAsync(storage, Cancel);
    }

    [Fact]
    public async Task It_is_opened_once_for_all_and_closed_after_all_of_them()
    {
        int opened = 0;
        await using var inner = new DisturbedStorage(new InMemoryStorage());
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ServiceProvider app = Apps.With(async (_, cancel) =>
        {
            Interlocked.Increment(ref opened);
            await first.Task.WaitAsync(cancel);
            return inner;
        });
        SharedStorage shared = app.GetRequiredService<SharedStorage>();
        Task<IStorage>[] opening = [.. Enumerable.Range(0, 20).Select(_ => Task.Run(() => shared.LeaseAsync(Cancel).AsTask(), Cancel))];
        first.SetResult();
        IStorage[] leases = await Task.WhenAll(opening);
        opened.ShouldBe(1);
        leases.ShouldBeUnique();

        (await leases[0].SwapRecordAsync("r", null, new byte[] { 1 }, Cancel)).ShouldNotBeNull();
        await leases[0].DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(() => leases[0].ReadRecordAsync("r", Cancel).AsTask());
        (await leases[1].ReadRecordAsync("r", Cancel))!.Content.ToArray().ShouldBe([1]);
        inner.Disposals.ShouldBe(0);

        await app.DisposeAsync();
        inner.Disposals.ShouldBe(1);
        await Should.ThrowAsync<ObjectDisposedException>(() => leases[1].ReadRecordAsync("r", Cancel).AsTask());
        await Should.ThrowAsync<ObjectDisposedException>(() => shared.LeaseAsync(Cancel).AsTask());
        inner.Disposals.ShouldBe(1);
    }

    [Fact]
    public async Task An_opening_that_failed_or_was_given_up_is_tried_again()
    {
        var outcomes = new Queue<Func<CancellationToken, Task>>();
        outcomes.Enqueue(_ => throw new StorageException("away"));
        outcomes.Enqueue(cancel => Task.Delay(Timeout.Infinite, cancel));
        await using ServiceProvider app = Apps.With(async (_, cancel) =>
        {
            if (outcomes.TryDequeue(out Func<CancellationToken, Task>? outcome))
            {
                await outcome(cancel);
            }

            return new InMemoryStorage();
        });
        SharedStorage shared = app.GetRequiredService<SharedStorage>();
        (await Should.ThrowAsync<StorageException>(() => shared.LeaseAsync(Cancel).AsTask())).Message.ShouldBe("away");

        using var giveUp = new CancellationTokenSource();
        Task<IStorage> givenUp = shared.LeaseAsync(giveUp.Token).AsTask();
        Task<IStorage> patient = shared.LeaseAsync(Cancel).AsTask();
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => givenUp);
        IStorage lease = await patient;
        (await lease.ReadRecordAsync("r", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Without_a_storage_it_says_how_to_configure_one()
    {
        await using ServiceProvider app = new ServiceCollection().AddSingleton<SharedStorage>().BuildServiceProvider();
        (await Should.ThrowAsync<InvalidOperationException>(() => app.GetRequiredService<SharedStorage>().LeaseAsync(Cancel).AsTask()))
            .Message.ShouldContain("UseAzureBlobs");
    }

    [Fact]
    public async Task Ending_a_lease_makes_calls_give_up_that_do_not_end_and_leaves_others_alone()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var inner = new DisturbedStorage(new InMemoryStorage());
        await using ServiceProvider app = Apps.With(inner);
        SharedStorage shared = app.GetRequiredService<SharedStorage>();
        IStorage mine = await shared.LeaseAsync(Cancel);
        IStorage other = await shared.LeaseAsync(Cancel);
        inner.Before = cancel =>
        {
            inner.Before = static _ => default;
            arrived.SetResult();
            return new ValueTask(Task.Delay(Timeout.Infinite, cancel));
        };
        Task stuck = mine.ReadRecordAsync("r", Cancel).AsTask();
        await arrived.Task.WaitAsync(Cancel);
        Task ending = mine.DisposeAsync().AsTask();
        (await other.ReadRecordAsync("r", Cancel)).ShouldBeNull();
        await Should.ThrowAsync<ObjectDisposedException>(() => mine.ReadRecordAsync("r", Cancel).AsTask());
        await Should.ThrowAsync<ObjectDisposedException>(() => stuck);
        await ending;
        (await other.ReadRecordAsync("r", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task A_folder_is_let_go_of_with_the_services_and_no_sooner()
    {
        using var folder = new TempFolder();
        ServiceProvider app = Apps.With((_, _) => ValueTask.FromResult<IStorage>(FileStorage.Open(folder.Path)));
        IStorage lease = await app.GetRequiredService<SharedStorage>().LeaseAsync(Cancel);
        lease.ShouldBeAssignableTo<ILosesTails>();
        IJournalWriter writer = await lease.CreateJournalAsync("j", Cancel);
        await lease.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(() => writer.AppendAsync([], Cancel).AsTask());
        Should.Throw<StorageException>(() => FileStorage.Open(folder.Path)).Message.ShouldContain("in use");

        IStorage next = await app.GetRequiredService<SharedStorage>().LeaseAsync(Cancel);
        (await next.SealJournalAsync("j", Cancel)).ShouldBe(0);
        await app.DisposeAsync();
        await FileStorage.Open(folder.Path).DisposeAsync();
    }

    [Fact]
    public async Task What_the_storage_can_and_wants_its_leases_can_and_want()
    {
        await using var plain = new SlowAppends(new InMemoryStorage());
        await using ServiceProvider app = Apps.With(plain);
        IStorage lease = await app.GetRequiredService<SharedStorage>().LeaseAsync(Cancel);
        lease.AppendEvery.ShouldBe(TimeSpan.FromSeconds(3));
        lease.ShouldNotBeAssignableTo<ILosesTails>();
        await lease.WriteRunAsync("r", new byte[] { 1, 2, 3 }, Cancel);
        byte[] read = new byte[2];
        (await lease.ReadRunAsync("r", 1, read.AsMemory(), Cancel)).ShouldBe(2);
        read.ShouldBe([2, 3]);
    }

    [Fact]
    public async Task A_lease_that_ends_closes_the_writers_that_its_user_has_left_open()
    {
        await using var plain = new SlowAppends(new InMemoryStorage());
        await using ServiceProvider app = Apps.With(plain);
        SharedStorage shared = app.GetRequiredService<SharedStorage>();
        IStorage mine = await shared.LeaseAsync(Cancel);
        IStorage other = await shared.LeaseAsync(Cancel);
        await mine.CreateJournalAsync("left-open", Cancel);
        await using IJournalWriter writer = await other.CreateJournalAsync("other", Cancel);
        await mine.DisposeAsync();
        plain.Closed.ShouldBe(["left-open"]);
        await writer.AppendAsync([], Cancel);
    }

    /// <summary>A storage that is no other's kin, and notes which writers are closed.</summary>
    private sealed class SlowAppends(IStorage storage) : StorageLease(storage, static _ => { }), IStorage
    {
        public List<string> Closed { get; } = [];

        TimeSpan IStorage.AppendEvery => TimeSpan.FromSeconds(3);

        async ValueTask<IJournalWriter> IStorage.CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
            new Writer(this, journal, await CreateJournalAsync(journal, cancellationToken));

        private sealed class Writer(SlowAppends owner, string journal, IJournalWriter writer) : IJournalWriter
        {
            public ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken) => writer.AppendAsync(frames, cancellationToken);

            public ValueTask DisposeAsync()
            {
                owner.Closed.Add(journal);
                return writer.DisposeAsync();
            }
        }
    }
}
