namespace OrleansStreaming.Core;

/// <summary>Takes messages from other silos.</summary>
internal sealed partial class Silo
{
    /// <summary>A message from another silo.</summary>
    public void Receive(SiloMessage message) => Guarded(
        static input =>
        {
            if (input.Silo.Phase is SiloPhase.Running or SiloPhase.Draining)
            {
                input.Silo.Take(input.Message);
            }
        },
        (Silo: this, Message: message));

    private void Take(SiloMessage message)
    {
        if (message is SealsMessage seals)
        {
            ApplySeals(seals.Seals);
        }

        if (Phase == SiloPhase.Stopped)
        {
            return;
        }

        if (message.SealVersion > SealVersion && !Mutations.IgnoreSealVersion)
        {
            // The sender knows seals that this silo does not: they come first.
            if (_parked.Count < MaxParked)
            {
                _parked.Enqueue(message);
            }

            PollSeals();
            return;
        }

        Journals.Advance(message.From, message.Durable);
        switch (message)
        {
            case DataMessage data:
                TakeData(data);
                break;
            case AckMessage ack:
                Outbox.Acknowledged(ack);
                break;
            case OwnerMessage owner:
                Ownerships.Learn(owner.Partition, owner.Epoch, owner.From);
                break;
            case RefusedMessage refused:
                Ownerships.Refresh(refused.Partition);
                break;
            case ReleasedMessage released:
                Ownerships.Released(released.Partition);
                break;
        }
    }

    private void TakeData(DataMessage message)
    {
        if (Journals.IsSealed(message.From) && !Mutations.TakeFromSealed)
        {
            return; // Orphan or not: the new owner of what sent it sends all that is needed again.
        }

        Partition? partition = Ownerships.Find(message.Partition);
        if (partition is null || partition.Epoch != message.Epoch)
        {
            if (partition is null || partition.Epoch > message.Epoch)
            {
                Ports.Send(message.From, new RefusedMessage(Journal.Id, SealVersion, Journal.Durable, message.Partition, message.Epoch));
            }

            return;
        }

        if (!partition.Closed && !partition.Receive(message) && _held.Count < MaxParked)
        {
            _held.Add(message);
        }
    }

    /// <summary>Takes messages that had to wait for a part of a log to come back to memory.</summary>
    private void TakeHeld()
    {
        if (_held.Count > 0)
        {
            DataMessage[] held = [.. _held];
            _held.Clear();
            foreach (DataMessage message in held)
            {
                TakeData(message);
            }
        }
    }
}
