using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A client with an id that sends a number of events one by one, each until it is known to be durable.</summary>
internal sealed class ScriptedProducer(SimulatedWorld world, InputStream input, string id, int count) : SimulatedProducer(world, input, id)
{
    private PendingIngest? _request;
    private PendingIngest? _outstanding;
    private int _sent;

    public override bool IsDone => _request is null;

    /// <summary>Events are left that it has not begun to send.</summary>
    public bool HasMore => _sent < count;

    public override void Act(bool mayStartNew)
    {
        if (_outstanding is not null || (_request is null && (!mayStartNew || !HasMore)))
        {
            return;
        }

        if (_request is null)
        {
            InputEvent next = NewEvent();
            _sent++;
            _request = New(PartitionOf(next), next);
        }

        _outstanding = New(_request.Partition, _request.Events[0]);
        Send(_outstanding, named: true);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        _outstanding = null;
        if (result.Status == IngestStatus.Durable)
        {
            World.Oracle.Names.Acknowledged(pending.Identities, pending);
            _request = null;
        }
        else if (result.Status is IngestStatus.OutOfOrder or IngestStatus.TooManyProducers)
        {
            World.Oracle.Progress.Refused(this, result);
        }
    }

    public override void Broken(PendingIngest pending) => _outstanding = null;

    private PendingIngest New(int partition, InputEvent @event) => new()
    {
        Producer = this,
        Partition = partition,
        Events = [@event],
        Sequence = _sent,
        Identities = [Identity(partition, _sent, 0)],
    };
}
