using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A client without an id: it only sends again what is known to be lost.</summary>
internal sealed class AnonymousProducer(SimulatedWorld world, InputStream input, string id) : SimulatedProducer(world, input, id)
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
                    World.Oracle.Names.Acknowledged(again.Identities, again);
                    _again = null;
                    return;
                }
            }

            _again = null;
            _outstanding = New(again.Partition, again.Events);
        }
        else if (mayStartNew)
        {
            List<InputEvent> events = NewEvents(out int partition);
            _outstanding = New(partition, events);
        }
        else
        {
            return;
        }

        Send(_outstanding, named: false);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        _outstanding = null;
        switch (result.Status)
        {
            case IngestStatus.Durable:
                World.Oracle.Names.Acknowledged(pending.Identities, pending);
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

    private PendingIngest New(int partition, IReadOnlyList<InputEvent> events) => new()
    {
        Producer = this,
        Partition = partition,
        Events = events,
        Identities = [.. events.Select(e => Oracle.Identity(partition, e.Payload))],
    };
}
