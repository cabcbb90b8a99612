using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansStreaming;

/// <summary>
/// Reads events from a file that holds one JSON array, or one JSON value per line. The position of an event is its index in
/// the file, so the file must not change while a deployment uses it, except that lines may be added between starts.
/// </summary>
/// <typeparam name="TEvent">The event type.</typeparam>
/// <param name="path">The file. Which of the two forms it has shows its first character; it is never loaded as a whole.</param>
/// <param name="pace">Awaited before every event, to limit the rate.</param>
public sealed class FileSource<TEvent>(string path, Func<CancellationToken, ValueTask>? pace = null) : ISource<TEvent>, IUsesJson
{
    private JsonSerializerOptions _json = StreamingJson.Default;

    void IUsesJson.UseJson(JsonSerializerOptions json) => _json = json;

    /// <inheritdoc/>
    /// <exception cref="FormatException">An element is not valid: names the file, the element's index and the byte in the file.</exception>
    /// <exception cref="InvalidDataException">The file has fewer events than were read from it before.</exception>
    public async IAsyncEnumerable<SourceEvent<TEvent>> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (file.ConfigureAwait(false))
        {
            using JsonElements elements = new(file, path);
            while (await elements.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            {
                if (elements.Index <= after)
                {
                    continue;
                }

                TEvent value = elements.Read<TEvent>(_json);
                if (pace is not null)
                {
                    await pace(cancellationToken).ConfigureAwait(false);
                }

                yield return new SourceEvent<TEvent>(elements.Index, value);
            }

            if (elements.Index < after)
            {
                throw new InvalidDataException($"{path} has {elements.Index + 1} events, but event {after} was read from it before: it is another file now.");
            }
        }
    }
}
