using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A client without an id: it only sends again what is known to be lost.</summary>
internal sealed class AnonymousProducer(SimulatedWorld world, StreamDefinition stream, string id) : SimulatedProducer(world, stream, id)
{
    private PendingIngest? _outstanding;
    private PendingIngest? _again;
    private (int Journal, long Lsn) _unknown = (-1, 0);

    public override bool IsDone => _outstanding is null && _again is null;

    public override void Act(bool mayStartNew)
    {
        if (_outstanding is not null)
        {
            return;
        }

        if (_again is { } again)
        {
            if (_unknown.Journal >= 0)
            {
                if (World.SealedEnd(_unknown.Journal) is not { } end)
                {
                    return;
                }

                long lsn = _unknown.Lsn;
                _unknown = (-1, 0);
                if (lsn <= end)
                {
                    World.Oracle.Acknowledged(again);
                    _again = null;
                    return;
                }
            }

            _again = null;
            _outstanding = new PendingIngest { Producer = this, Partition = again.Partition, Events = again.Events };
        }
        else if (mayStartNew)
        {
            int partition = AnyPartition();
            _outstanding = new PendingIngest { Producer = this, Partition = partition, Events = NewEvents(partition, World.Random.Between(1, 3)) };
        }
        else
        {
            return;
        }

        Send(_outstanding, 0, null, named: false);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        _outstanding = null;
        switch (result.Status)
        {
            case IngestStatus.Durable:
                World.Oracle.Acknowledged(pending);
                break;
            case IngestStatus.Unknown:
                _again = pending;
                _unknown = (result.Journal, result.Lsn);
                break;
            default:
                _again = pending;
                break;
        }
    }

    public override void Broken(PendingIngest pending) => _outstanding = null;
}
