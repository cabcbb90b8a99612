using System.Text;
using System.Text.Json;

namespace OrleansStreaming;

/// <summary>
/// Writes events to the console, one line each: the stream and the event as JSON.
/// </summary>
/// <remarks>A console stores no position. After a restart or a failure the last events may be printed again: at least once.</remarks>
/// <typeparam name="TEvent">The event type.</typeparam>
/// <param name="output">Where to write; by default the standard output.</param>
public sealed class ConsoleSink<TEvent>(TextWriter? output = null) : ISink<TEvent>, IUsesJson
{
    private JsonSerializerOptions _json = StreamingJson.Default;

    void IUsesJson.UseJson(JsonSerializerOptions json) => _json = json;

    /// <inheritdoc/>
    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) => new((Offset?)null);

    /// <inheritdoc/>
    public async ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        StringBuilder lines = new();
        foreach (SinkEvent<TEvent> item in batch.Events)
        {
            lines.Append(batch.Partition.Stream).Append(' ').AppendLine(JsonSerializer.Serialize(item.Event, _json));
        }

        // One call, so that partitions do not interleave within a line.
        await (output ?? Console.Out).WriteAsync(lines, cancellationToken).ConfigureAwait(false);
    }
}
