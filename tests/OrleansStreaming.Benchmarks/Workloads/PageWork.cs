using System.Text.Json;

namespace OrleansStreaming.Benchmarks;

/// <summary>Grains with large states, each event changing a thousandth of one.</summary>
internal sealed class PageWork : IAsyncDisposable
{
    private const string Edits = "edits";
    private const string Operator = "pages";
    private readonly int _pages;
    private readonly int _size;
    private readonly PublishFeeder<Edit> _feeder;
    private long _fed;

    private PageWork(BenchEngine bench, int pages, int size)
    {
        (Bench, _pages, _size) = (bench, pages, size);
        _feeder = new PublishFeeder<Edit>(bench.Engine, Edits, n => Edit.Make(n, pages, size), 100_000);
    }

    public BenchEngine Bench { get; }

    /// <summary>What one event changes.</summary>
    public long ChangedBytesPerEvent => Edit.Make(0, _pages, _size).Length;

    public static async Task<PageWork> StartAsync(string folder, int pages, int size, PipelineOptions options, CancellationToken cancellationToken)
    {
        BenchEngine bench = await BenchEngine.StartAsync(
            folder,
            s => s.UseSerializer(new PageSerializer()).AddStream<Edit>(Edits, e => e.Key, o => o.Partitions(options.Partitions)).AddOperator<PageEditor>(Edits, name: Operator),
            options,
            cancellationToken);
        return new PageWork(bench, pages, size);
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
            Edit edit = Edit.Make(number, _pages, _size);
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

    public ValueTask DisposeAsync() => Bench.DisposeAsync();
}
