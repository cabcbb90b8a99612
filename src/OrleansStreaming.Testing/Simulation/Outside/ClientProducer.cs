using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A client with an id: one request outstanding, and the same request again until it is durable.</summary>
internal sealed class ClientProducer(SimulatedWorld world, StreamDefinition stream, string id) : SimulatedProducer(world, stream, id)
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

            int partition = AnyPartition();
            _sequence += World.Random.Between(1, 3);
            _request = new PendingIngest { Producer = this, Partition = partition, Events = NewEvents(partition, World.Random.Between(1, 3)) };
        }

        _outstanding = new PendingIngest { Producer = this, Partition = _request.Partition, Events = _request.Events };
        Send(_outstanding, _sequence, null, named: true);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        if (_request is null || pending.Events != _request.Events)
        {
            return;
        }

        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }

        if (result.Status == IngestStatus.Durable)
        {
            World.Oracle.Acknowledged(pending);
            _request = null;
            _outstanding = null;
        }
        else if (result.Status is IngestStatus.OutOfOrder or IngestStatus.TooManyProducers)
        {
            World.Fail("I8", $"client {Id} was answered {result}");
        }
    }

    public override void Broken(PendingIngest pending)
    {
        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }
    }
}
