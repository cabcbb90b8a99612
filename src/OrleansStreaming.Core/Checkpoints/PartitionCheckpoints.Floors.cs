namespace OrleansStreaming.Core;

/// <summary>Tells those who receive the operators' outputs what will never be repeated.</summary>
internal sealed partial class PartitionCheckpoints
{
    private readonly Dictionary<OperatorHost, long> _floors = [];
    private long _repeats;

    /// <summary>A grain has sent an output again, under a mark of the outbox.</summary>
    public void Repeated(long mark) => _repeats = Math.Max(_repeats, mark);

    /// <summary>A fact about storage: never undone.</summary>
    private void Announce(PartitionManifest before, PartitionManifest now)
    {
        foreach (OperatorHost host in partition.Hosts)
        {
            long floor = now.Committed.GetValueOrDefault(host.Id, -1);
            if (floor > before.Committed.GetValueOrDefault(host.Id, -1))
            {
                _floors[host] = floor;
            }
        }
    }

    /// <summary>
    /// A repeat that was made before the checkpoint may still be on its way. Its receiver knows it by the name that the floor
    /// makes it forget; and if the receiver hands its partition on, it is sent again. So it must have arrived first.
    /// </summary>
    private void AnnounceWhenRepeatsArrived()
    {
        if (_floors.Count == 0 || !(silo.Outbox.IsAcknowledged(_repeats) || Mutations.HeedFloorEarly || Mutations.AnnounceBeforeRepeats))
        {
            return;
        }

        foreach ((OperatorHost host, long floor) in _floors)
        {
            silo.AnnounceFloor(host.Type.Definition, new Floor(host.Id, partition.Id, floor));
        }

        _floors.Clear();
    }
}
