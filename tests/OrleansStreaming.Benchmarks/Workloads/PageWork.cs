using System.Text.Json;

namespace OrleansStreaming.Benchmarks;

/// <summary>Grains with large states, each event changing a thousandth of one: always the same, or another each time.</summary>
internal sealed class PageWork : IAsyncDisposable
{
    private const string Edits = "edits";
    private const string Operator = "pages";
    private readonly int _pages;
    private readonly int _size;
    private readonly int _perPlace;
    private readonly PublishFeeder<Edit> _feeder;
    private long _fed;

    private PageWork(BenchEngine bench, int pages, int size, int perPlace)
    {
        (Bench, _pages, _size, _perPlace) = (bench, pages, size, perPlace);
        _feeder = new PublishFeeder<Edit>(bench.Engine, Edits, Make, 100_000);
    }

    public BenchEngine Bench { get; }

    /// <summary>What one event changes.</summary>
    public long ChangedBytesPerEvent => Make(0).Length;

    /// <summary>Starts an engine with no state yet.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="pages">How many states.</param>
    /// <param name="size">How large each is.</param>
    /// <param name="perPlace">So many events after each other change the same place.</param>
    /// <param name="options">Of the engine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<PageWork> StartAsync(string folder, int pages, int size, int perPlace, PipelineOptions options, CancellationToken cancellationToken)
    {
        BenchEngine bench = await BenchEngine.StartAsync(
            folder,
            s => s.UseSerializer(new PageSerializer()).AddStream<Edit>(Edits, e => e.Key, o => o.Partitions(options.Partitions)).AddOperator<PageEditor>(Edits, name: Operator),
            options,
            cancellationToken);
        return new PageWork(bench, pages, size, perPlace);
    }

    /// <summary>Feeds the next events, round robin over the pages, and waits until they are processed and durable.</summary>
    public async Task FeedAsync(int events, CancellationToken cancellationToken)
    {
        long before = Bench.Turns;
        await _feeder.FeedAsync(_fed, _fed + events, () => Bench.Turns - before, cancellationToken);
        await Bench.WhenDoneAsync(() => Bench.Turns - before >= events, cancellationToken);
        _fed += events;
    }

    /// <summary>How many pages are not what all edits together make of them.</summary>
    public async Task<long> CountWrongStatesAsync(CancellationToken cancellationToken)
    {
        byte[][] expected = [.. Enumerable.Range(0, _pages).Select(_ => new byte[_size])];
        for (long number = 0; number < _fed; number++)
        {
            Edit edit = Make(number);
            edit.ApplyTo(expected[edit.Key]);
        }

        long right = 0;
        await foreach (GrainState state in Bench.Engine.GetStatesAsync(Operator, stable: true, cancellationToken))
        {
            byte[] bytes = JsonDocument.Parse(state.Json).RootElement.GetProperty("bytes").GetBytesFromBase64();
            right += bytes.AsSpan().SequenceEqual(expected[long.Parse(state.Key, System.Globalization.CultureInfo.InvariantCulture)]) ? 1 : 0;
        }

        return _pages - right;
    }

    private Edit Make(long number) => Edit.Make(number, _pages, _size, _perPlace);

    public ValueTask DisposeAsync() => Bench.DisposeAsync();
}
