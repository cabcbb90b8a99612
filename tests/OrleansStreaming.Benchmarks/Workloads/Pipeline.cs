using System.Globalization;
using System.Text.Json;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Benchmarks;

/// <summary>How a pipeline is laid out and fed.</summary>
internal sealed record PipelineOptions
{
    public int Silos { get; init; } = 1;

    public int Hops { get; init; } = 1;

    public int Partitions { get; init; } = 8;

    /// <summary>Whether events come from an <see cref="ISource{T}"/> instead of calls to publish.</summary>
    public bool FromSource { get; init; }

    /// <summary>How many events may be published and not yet processed.</summary>
    public int Ahead { get; init; } = 100_000;

    public Func<string, SiloProbe>? Probe { get; init; }

    public Func<SiloOptions, SiloOptions>? Tune { get; init; }

    public Action<StreamingOptions>? Engine { get; init; }

    public Action<FileStorageOptions>? Files { get; init; }

    /// <summary>Keeps the state in blobs instead of files.</summary>
    public BenchAzurite? Azurite { get; init; }
}

/// <summary>Operators in a row, each under other keys than the one before, and a sink; with what feeds them.</summary>
internal abstract class Pipeline(BenchEngine bench, CountingSink sink, PipelineOptions options) : IAsyncDisposable
{
    public const string Outputs = "outputs";
    public const int OutputEvery = 1000;
    private static readonly string[] Streams = ["hop0", "hop1", "hop2", "hop3", "hop4", "hop5"];

    public BenchEngine Bench { get; } = bench;

    public PipelineOptions Options { get; } = options;

    /// <summary>Events fed so far; also the number of the next.</summary>
    public long Fed { get; private set; }

    public long Released => sink.Released;

    public static string StreamAfter(string stream) => Streams[stream[^1] - '0' + 1];

    public static string StreamOf(int hop) => Streams[hop];

    public static Task<Pipeline> StartAsync(string variant, string folder, KeySequence keys, PipelineOptions options, CancellationToken cancellationToken) => variant switch
    {
        "string" => Pipeline<string, Input>.StartAsync(Variants.String(keys.Keys), folder, keys, options, cancellationToken),
        "json" => Pipeline<long, JsonInput>.StartAsync(Variants.Json, folder, keys, options, cancellationToken),
        _ => Pipeline<long, Input>.StartAsync(Variants.Long, folder, keys, options, cancellationToken),
    };

    /// <summary>Feeds the next events and waits until all of them are durable, processed and released.</summary>
    public async Task FeedAsync(string step, long count, CancellationToken cancellationToken)
    {
        long first = Fed, end = Fed + count;
        long before = Bench.Turns, released = sink.Released;
        long outputs = ((end + OutputEvery - 1) / OutputEvery) - ((first + OutputEvery - 1) / OutputEvery);
        long Done() => (Bench.Turns - before) / Options.Hops;
        await Progress.ShowAsync(step, count, () => Done(), async () =>
        {
            await FeedAsync(first, end, Done, cancellationToken);
            await Bench.WhenDoneAsync(() => Done() >= count && sink.Released - released >= outputs, cancellationToken);
            return 0;
        });
        Fed = end;
    }

    /// <summary>Publishes the next events at a steady rate until told to stop; returns, when they are durable, the number behind the last.</summary>
    public async Task<long> OfferAsync(int rate, CancellationToken stop, CancellationToken cancellationToken)
    {
        return Fed = await OfferAsync(rate, Fed, stop, cancellationToken);
    }

    /// <summary>How many grains, over all operators, have another state than it must be after all events that were fed.</summary>
    public abstract Task<long> CountWrongStatesAsync(CancellationToken cancellationToken);

    public ValueTask DisposeAsync() => Bench.DisposeAsync();

    protected abstract Task<long> OfferAsync(int rate, long first, CancellationToken stop, CancellationToken cancellationToken);

    protected abstract Task FeedAsync(long first, long end, Func<long> done, CancellationToken cancellationToken);
}

/// <inheritdoc/>
internal sealed class Pipeline<TKey, TEvent> : Pipeline
    where TKey : notnull
    where TEvent : IInput<TEvent>
{
    private readonly Variant<TKey, TEvent> _variant;
    private readonly KeySequence _keys;
    private readonly Feeder<TEvent> _feeder;

    private Pipeline(BenchEngine bench, CountingSink sink, PipelineOptions options, Variant<TKey, TEvent> variant, KeySequence keys, Feeder<TEvent> feeder)
        : base(bench, sink, options) => (_variant, _keys, _feeder) = (variant, keys, feeder);

    public static async Task<Pipeline> StartAsync(Variant<TKey, TEvent> variant, string folder, KeySequence keys, PipelineOptions options, CancellationToken cancellationToken)
    {
        var sink = new CountingSink();
        TEvent Make(long number) => MakeEvent(variant, keys, number);
        SourceFeeder<TEvent>? source = options.FromSource ? new SourceFeeder<TEvent>(Make) : null;
        BenchEngine bench = await BenchEngine.StartAsync(
            folder,
            s =>
            {
                s.AddStream<Output>(Outputs, o => o.Key, o => o.Partitions(options.Partitions)).AddSink(Outputs, _ => sink);
                for (int hop = 0; hop < options.Hops; hop++)
                {
                    variant.AddStream(s, StreamOf(hop), o => o.Partitions(options.Partitions));
                    _ = hop < options.Hops - 1
                        ? s.AddOperator<Forward<TKey, TEvent>>(StreamOf(hop), StreamOf(hop + 1), OperatorOf(hop))
                        : s.AddOperator<Totals<TKey, TEvent>>(StreamOf(hop), Outputs, OperatorOf(hop));
                }

                if (source is not null)
                {
                    s.AddSource<TEvent>(StreamOf(0), _ => source);
                }
            },
            options,
            cancellationToken);
        return new Pipeline<TKey, TEvent>(bench, sink, options, variant, keys, (Feeder<TEvent>?)source ?? new PublishFeeder<TEvent>(bench.Engine, StreamOf(0), Make, options.Ahead));
    }

    public override async Task<long> CountWrongStatesAsync(CancellationToken cancellationToken)
    {
        long wrong = 0;
        for (int hop = 0; hop < Options.Hops; hop++)
        {
            var expected = new Dictionary<string, Tally>();
            for (long number = 0; number < Fed; number++)
            {
                string key = _variant.KeyText(hop % 2 == 0 ? _keys.First(number) : _keys.Second(number));
                Tally tally = expected.GetValueOrDefault(key);
                expected[key] = new Tally { Count = tally.Count + 1, Sum = tally.Sum + Variants.Amount(number) };
            }

            await foreach (GrainState state in Bench.Engine.GetStatesAsync(OperatorOf(hop), stable: true, cancellationToken))
            {
                JsonElement json = JsonDocument.Parse(state.Json).RootElement;
                bool right = expected.Remove(state.Key, out Tally tally)
                    && json.GetProperty("count").GetInt64() == tally.Count && json.GetProperty("sum").GetInt64() == tally.Sum;
                wrong += right ? 0 : 1;
            }

            wrong += expected.Count;
        }

        return wrong;
    }

    protected override Task<long> OfferAsync(int rate, long first, CancellationToken stop, CancellationToken cancellationToken) =>
        new OpenLoop<TEvent>(Bench.Engine, StreamOf(0), rate, Make).RunAsync(first, long.MaxValue, stop, cancellationToken);

    protected override Task FeedAsync(long first, long end, Func<long> done, CancellationToken cancellationToken) =>
        _feeder.FeedAsync(first, end, done, cancellationToken);

    private TEvent Make(long number) => MakeEvent(_variant, _keys, number);

    private static TEvent MakeEvent(Variant<TKey, TEvent> variant, KeySequence keys, long number) => variant.Make(number, keys.First(number), keys.Second(number));

    private static string OperatorOf(int hop) => string.Create(CultureInfo.InvariantCulture, $"operator{hop}");
}
