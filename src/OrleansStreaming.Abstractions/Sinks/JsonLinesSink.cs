using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OrleansStreaming;

/// <summary>
/// Writes events as lines of JSON, exactly once through crashes: one file per partition, <c>{folder}/{stream}-{index}.jsonl</c>.
/// </summary>
/// <remarks>
/// Beside each file lies <c>{stream}-{index}.pos</c>, which says how far the file is committed. Readers may see lines beyond
/// that for a moment; after a crash these are cut off and written again. A folder belongs to one sink and one deployment:
/// to start anew, move both files away.
/// </remarks>
/// <typeparam name="TEvent">The event type.</typeparam>
public sealed class JsonLinesSink<TEvent> : ISink<TEvent>, IUsesJson
{
    private readonly ConcurrentDictionary<(string Stream, int Index), JsonLinesFile> _files = new();
    private readonly string _folder;
    private readonly bool _ownJson;
    private JsonTypeInfo<TEvent>? _type;

    /// <summary>Makes the sink.</summary>
    /// <param name="folder">Created when it does not exist.</param>
    /// <param name="json">How to write events; by default as the topology does.</param>
    public JsonLinesSink(string folder = "output", JsonSerializerOptions? json = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        _folder = folder;
        if (json is not null)
        {
            json.MakeReadOnly(populateMissingResolver: true);
            _type = (JsonTypeInfo<TEvent>)json.GetTypeInfo(typeof(TEvent));
            _ownJson = true;
        }
    }

    private JsonTypeInfo<TEvent> Type => _type ??= (JsonTypeInfo<TEvent>)StreamingJson.Default.GetTypeInfo(typeof(TEvent));

    void IUsesJson.UseJson(JsonSerializerOptions json)
    {
        if (!_ownJson)
        {
            _type = (JsonTypeInfo<TEvent>)json.GetTypeInfo(typeof(TEvent));
        }
    }

    /// <inheritdoc/>
    /// <exception cref="SinkFencedException">A newer owner has opened the file.</exception>
    /// <exception cref="InvalidDataException">One of the two files is damaged, or belongs to something else.</exception>
    public async ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(partition);
        return await Task.Run(() => FileOf(partition).OpenAsync(partition, cancellationToken).AsTask(), CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);

        // Flushing a file blocks, and the caller has other partitions to see to.
        await Task.Run(() => AppendAsync(batch, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    private async Task AppendAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        using PooledBuffer lines = new();
        foreach (SinkEvent<TEvent> item in batch.Events)
        {
            JsonLine.Write(item.Event, Type, lines);
        }

        await FileOf(batch.Partition)
            .CommitAsync(batch.Partition, batch.From, batch.To, lines.Written, cancellationToken)
            .ConfigureAwait(false);
    }

    private JsonLinesFile FileOf(SinkPartition partition) =>
        _files.GetOrAdd((partition.Stream, partition.Index), static (key, folder) => new JsonLinesFile(folder, key.Stream, key.Index), _folder);
}
