using Orleans.Streams;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>Some consecutive events of one Orleans stream, as the log has them. Immutable once it is in the cache.</summary>
internal sealed class Slice(StreamDefinition stream, StreamId id)
{
    public StreamDefinition Stream { get; } = stream;

    public StreamId Id { get; } = id;

    public List<FeedEvent> Events { get; } = [];

    public long First => Events[0].Offset;

    public long Last => Events[^1].Offset;

    /// <summary>What has been delivered when all before it has.</summary>
    public long Before => Events[0].Before;

    /// <summary>When it came to the cache.</summary>
    public long AddedAt { get; set; }

    /// <summary>Sorts events by Orleans stream; slices are in the order of their first events.</summary>
    public static List<Slice> Of(StreamCatalog catalog, StreamDefinition stream, IEnumerable<FeedEvent> events, int most)
    {
        var slices = new List<Slice>();
        var open = new Dictionary<StreamId, Slice>();
        foreach (FeedEvent e in events)
        {
            StreamId id = catalog.IdOf(stream, e.Key.Span);
            if (!open.TryGetValue(id, out Slice? slice) || slice.Events.Count >= most)
            {
                slices.Add(open[id] = slice = new Slice(stream, id));
            }

            slice.Events.Add(e);
        }

        return slices;
    }
}

/// <summary>What the receiver hands to the pulling agent, which hands it to the cache: a slice, or word for a stream whose events are read from the log.</summary>
internal sealed class Received(StreamId id) : IBatchContainer
{
    public StreamId StreamId { get; } = id;

    /// <summary>Where a subscription begins that the agent has been told of, has not met, and that says nothing itself: with the new events, or after all there is.</summary>
    public StreamSequenceToken SequenceToken { get; set; } = OffsetToken.Earliest;

    /// <summary>New events; null when it is only to wake the stream's cursors.</summary>
    public Slice? Slice { get; init; }

    /// <summary>What has been handed out with it.</summary>
    public long To { get; set; } = Offset.None.Value;

    /// <summary>The cursor that has got what it had asked the log for.</summary>
    public CacheCursor? Cursor { get; init; }

    /// <summary>That answer.</summary>
    public FeedHistory? History { get; init; }

    /// <summary>Every subscriber of the stream is to be asked where it wants to be.</summary>
    public bool Asks { get; init; }

    /// <summary>How many of them there are at least.</summary>
    public int Registered { get; init; }

    /// <summary>When that was first asked, by the cache's clock.</summary>
    public long AskedAt { get; init; }

    public static Received Of(Slice slice) => new(slice.Id) { Slice = slice, SequenceToken = new OffsetToken(new Offset(slice.First)) };

    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>() => throw new NotSupportedException("The cache delivers.");

    public bool ImportRequestContext() => false;
}
