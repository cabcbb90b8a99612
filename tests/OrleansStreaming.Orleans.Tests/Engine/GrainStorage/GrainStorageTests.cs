using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>States of grains as records.</summary>
public sealed class GrainStorageTests : IAsyncLifetime
{
    private static readonly GrainId Grain = GrainId.Create("cart", "ada");

    private readonly InMemoryStorage _data = new();
    private readonly List<ServiceProvider> _processes = [];
    private IGrainStorage _storage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _storage = NewProcess();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider process in _processes)
        {
            await process.DisposeAsync();
        }

        await _data.DisposeAsync();
    }

    [Fact]
    public async Task A_state_that_was_never_written_is_new()
    {
        GrainState<Cart> read = await ReadAsync(_storage);
        (read.RecordExists, read.ETag, read.State!.Items).ShouldBe((false, null, 0));
    }

    [Fact]
    public async Task What_was_written_is_read_by_another_process_with_its_etag()
    {
        GrainState<Cart> mine = await ReadAsync(_storage);
        mine.State!.Items = 3;
        await _storage.WriteStateAsync("state", Grain, mine);
        (mine.RecordExists, mine.ETag is null).ShouldBe((true, false));
        string first = mine.ETag!;
        mine.State!.Items = 4;
        await _storage.WriteStateAsync("state", Grain, mine);
        mine.ETag.ShouldNotBe(first);

        GrainState<Cart> theirs = await ReadAsync(NewProcess());
        (theirs.RecordExists, theirs.ETag, theirs.State!.Items).ShouldBe((true, mine.ETag, 4));
    }

    [Fact]
    public async Task A_write_or_clear_on_another_version_fails_and_changes_nothing()
    {
        GrainState<Cart> absent = await ReadAsync(_storage);
        GrainState<Cart> current = await WriteAsync(_storage, 1);
        GrainState<Cart> old = await ReadAsync(_storage);
        current.State!.Items = 2;
        await _storage.WriteStateAsync("state", Grain, current);

        foreach (GrainState<Cart> stale in new[] { absent, old })
        {
            string? before = stale.ETag;
            stale.State!.Items = 9;
            InconsistentStateException error = await Should.ThrowAsync<InconsistentStateException>(() => _storage.WriteStateAsync("state", Grain, stale));
            (error.StoredEtag, error.CurrentEtag).ShouldBe((current.ETag, before ?? "none"));
            await Should.ThrowAsync<InconsistentStateException>(() => _storage.ClearStateAsync("state", Grain, stale));
            stale.ETag.ShouldBe(before);
        }

        GrainState<Cart> read = await ReadAsync(_storage);
        (read.State!.Items, read.ETag).ShouldBe((2, current.ETag));
    }

    [Fact]
    public async Task A_cleared_state_is_gone_and_those_that_knew_it_cannot_bring_it_back()
    {
        GrainState<Cart> mine = await WriteAsync(_storage, 5);
        GrainState<Cart> old = await ReadAsync(_storage);
        await _storage.ClearStateAsync("state", Grain, mine);
        (mine.RecordExists, mine.State!.Items).ShouldBe((false, 0));

        GrainState<Cart> read = await ReadAsync(NewProcess());
        (read.RecordExists, read.State!.Items, read.ETag).ShouldBe((false, 0, mine.ETag));
        await Should.ThrowAsync<InconsistentStateException>(() => _storage.WriteStateAsync("state", Grain, old));
        await Should.ThrowAsync<InconsistentStateException>(() => _storage.WriteStateAsync("state", Grain, new GrainState<Cart>(new Cart())));

        // Neither a repeat nor a state that was never there is a mistake.
        await _storage.ClearStateAsync("state", Grain, mine);
        mine.State!.Items = 6;
        await _storage.WriteStateAsync("state", Grain, mine);
        (await ReadAsync(_storage)).State!.Items.ShouldBe(6);
        var nobody = GrainId.Create("cart", "nobody");
        await _storage.ClearStateAsync("state", nobody, new GrainState<Cart>(new Cart()));
        (await _data.ReadRecordAsync(NameOf("state", nobody), Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Every_grain_state_storage_and_service_has_a_record_of_its_own()
    {
        string longName = new('x', 500);
        GrainId[] grains =
        [
            Grain, GrainId.Create("cart", "ADA"), GrainId.Create("cart", "a/da"), GrainId.Create("cart/a", "da"), GrainId.Create("cart", "ünï %2F\n"),
            GrainId.Create("cart", longName), GrainId.Create("cart", longName + "y"), GrainId.Create("cart", new string('/', 300)),
            new(GrainType.Create("cart"), new IdSpan([0xff, 0x00])), new(GrainType.Create("cart"), new IdSpan([0xfe, 0x00])),
        ];
        (string State, GrainId Grain, IGrainStorage Storage)[] places =
        [
            .. grains.Select(g => ("state", g, _storage)),
            ("other", Grain, _storage), ("state", Grain, NewProcess(name: "Other")), ("state", Grain, NewProcess(service: "other")),
        ];
        for (int i = 0; i < places.Length; i++)
        {
            var state = new GrainState<Cart>(new Cart { Items = i });
            await places[i].Storage.WriteStateAsync(places[i].State, places[i].Grain, state);
        }

        for (int i = 0; i < places.Length; i++)
        {
            var state = new GrainState<Cart>();
            await places[i].Storage.ReadStateAsync(places[i].State, places[i].Grain, state);
            state.State!.Items.ShouldBe(i);
        }

        grains.ShouldAllBe(g => Encoding.UTF8.GetByteCount(NameOf("state", g)) <= 200);
    }

    [Fact]
    public async Task The_record_of_another_grain_or_a_damaged_one_is_reported()
    {
        await WriteAsync(_storage, 1);
        byte[] good = (await _data.ReadRecordAsync(NameOf("state", Grain), Cancel))!.Content.ToArray();
        GrainId other = GrainId.Create("cart", "bob");
        byte[][] bad = [good, [], good[..11], [.. "OSGX"u8, .. good[4..]], [.. good[..4], 9, .. good[5..]], [.. good[..8], 255, 255, 255, 127, .. good[12..]]];
        string? tag = null;
        foreach (byte[] content in bad)
        {
            tag = await _data.SwapRecordAsync(NameOf("state", other), tag, content, Cancel);
            tag.ShouldNotBeNull();
            (await Should.ThrowAsync<CorruptDataException>(() => _storage.ReadStateAsync("state", other, new GrainState<Cart>()))).File.ShouldBe(NameOf("state", other));
        }
    }

    [Fact]
    public async Task Failures_of_storage_surface_and_a_lost_answer_is_found_out_by_the_next_write()
    {
        await using var disturbed = new DisturbedStorage(_data.Share());
        IGrainStorage storage = NewProcess(disturbed);
        GrainState<Cart> mine = await WriteAsync(storage, 1);
        disturbed.Before = _ => throw new StorageException("away");
        await Should.ThrowAsync<StorageException>(() => ReadAsync(storage));
        await Should.ThrowAsync<StorageException>(() => storage.WriteStateAsync("state", Grain, mine));
        disturbed.Before = static _ => default;
        mine.State!.Items = 2;
        await storage.WriteStateAsync("state", Grain, mine);

        disturbed.AfterSwap = () => throw new StorageException("no answer") { Ambiguous = true };
        mine.State!.Items = 3;
        await Should.ThrowAsync<StorageException>(() => storage.WriteStateAsync("state", Grain, mine));
        disturbed.AfterSwap = static () => default;
        await Should.ThrowAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", Grain, mine));
        (await ReadAsync(storage)).State!.Items.ShouldBe(3);
    }

    private static string NameOf(string state, GrainId grain) => GrainRecord.NameOf(GrainRecord.FullNameOf("service", "Store", state, grain));

    private static async Task<GrainState<Cart>> ReadAsync(IGrainStorage storage)
    {
        var state = new GrainState<Cart>();
        await storage.ReadStateAsync("state", Grain, state);
        return state;
    }

    private static async Task<GrainState<Cart>> WriteAsync(IGrainStorage storage, int items)
    {
        GrainState<Cart> state = await ReadAsync(storage);
        state.State!.Items = items;
        await storage.WriteStateAsync("state", Grain, state);
        return state;
    }

    /// <summary>Another process of the application: the same data, opened anew.</summary>
    private IGrainStorage NewProcess(IStorage? storage = null, string name = "Store", string service = "service")
    {
        ServiceProvider process = Apps.With(storage ?? _data.Share(), services =>
        {
            services.AddSerializer();
            services.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = ("test", service));
            services.AddSingleton<IGrainStorageSerializer, PlainJson>();
            services.AddKeyedSingleton<IGrainStorage>(name, (provider, key) => ActivatorUtilities.CreateInstance<StreamingGrainStorage>(provider, (string)key!));
        });
        _processes.Add(process);
        return process.GetRequiredKeyedService<IGrainStorage>(name);
    }

    [GenerateSerializer]
    public sealed class Cart
    {
        [Id(0)]
        public int Items { get; set; }
    }

    private sealed class PlainJson : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => BinaryData.FromObjectAsJson(input);

        public T? Deserialize<T>(BinaryData input) => input.ToObjectFromJson<T>();
    }
}
