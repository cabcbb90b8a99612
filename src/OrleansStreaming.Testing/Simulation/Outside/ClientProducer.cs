using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A client with an id: one request outstanding, and the same request again until it is durable.</summary>
internal sealed class ClientProducer(SimulatedWorld world, InputStream input, string id) : SimulatedProducer(world, input, id)
{
    private long _sequence;
    private PendingIngest? _request;
    private PendingIngest? _outstanding;

    public override bool IsDone => _request is null;

    public override void Act(bool mayStartNew)
    {
        if (_outstanding is not null)
        {
            // Gives up waiting now and then: the first try may still be on its way.
            if (!World.Random.Chance(50))
            {
                return;
            }

            _outstanding = null;
        }

        if (_request is null)
        {
            if (!mayStartNew)
            {
                return;
            }

            List<InputEvent> events = NewEvents(out int partition);
            _sequence += World.Random.Between(1, 3);
            _request = New(partition, events, _sequence);
        }

        _outstanding = New(_request.Partition, _request.Events, _request.Sequence);
        Send(_outstanding, named: true);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        if (_request is null || pending.Sequence != _request.Sequence)
        {
            return;
        }

        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }

        if (result.Status == IngestStatus.Durable)
        {
            World.Oracle.Names.Acknowledged(pending.Identities, pending);
            _request = null;
            _outstanding = null;
        }
        else if (result.Status is IngestStatus.OutOfOrder or IngestStatus.TooManyProducers)
        {
            World.Oracle.Progress.Refused(this, result);
        }
    }

    public override void Broken(PendingIngest pending)
    {
        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }
    }

    private PendingIngest New(int partition, IReadOnlyList<InputEvent> events, long sequence) => new()
    {
        Producer = this,
        Partition = partition,
        Events = events,
        Sequence = sequence,
        Identities = [.. Enumerable.Range(0, events.Count).Select(i => Identity(partition, sequence, i))],
    };
}
