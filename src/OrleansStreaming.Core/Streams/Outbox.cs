namespace OrleansStreaming.Core;

/// <summary>
/// What a silo has sent to partitions of other silos and does not yet know to be durable there. One channel per destination
/// partition and ownership epoch, numbered 1, 2, 3, ... without gaps.
/// </summary>
internal sealed class Outbox(Silo silo)
{
    private readonly Dictionary<int, OutChannel> _channels = [];
    private readonly List<OutChannel> _dirty = [];

    /// <summary>Sends that this silo took over itself: the lowest stamp among them, and the LSN that makes them durable.</summary>
    private readonly List<(long FirstStamp, long Lsn)> _taken = [];
    private long _stamp;

    /// <summary>A mark: <see cref="IsAcknowledged"/> tells when everything sent before it has arrived for good.</summary>
    public long Mark()
    {
        foreach (OutChannel channel in _channels.Values)
        {
            channel.Open = null;
        }

        return _stamp;
    }

    /// <summary>
    /// Whether no record sent before a mark is on its way. A floor does not count: it only lets its receiver forget, and who
    /// would wait for it could wait for an owner that a partition no longer gets, when all silos stop.
    /// </summary>
    public bool IsAcknowledged(long mark)
    {
        foreach (OutChannel channel in _channels.Values)
        {
            foreach (SendBatch batch in channel.Unacknowledged)
            {
                if (batch.Stamp > mark)
                {
                    break;
                }

                if (batch.Floor is null)
                {
                    return false;
                }
            }
        }

        _taken.RemoveAll(t => silo.Journals.IsDurable(silo.Journal.Id, t.Lsn));
        return !_taken.Exists(t => t.FirstStamp <= mark);
    }

    /// <summary>What was taken from here has been appended to the own journal: it has arrived when that is durable.</summary>
    public void Delivered(IReadOnlyList<SendBatch> taken)
    {
        if (taken.Count > 0)
        {
            _taken.Add((taken[0].Stamp, silo.Journal.LastLsn));
        }
    }

    /// <summary>Whether something waits for a partition.</summary>
    public bool Holds(int partition) => _channels.TryGetValue(partition, out OutChannel? channel) && channel.Unacknowledged.Count > 0;

    public int Waiting => _channels.Values.Sum(c => c.Unacknowledged.Count);

    /// <summary>Adds a record for a partition. The sender keeps the full vector.</summary>
    /// <returns>A mark as <see cref="Mark"/> gives it, that covers the record.</returns>
    public long Add(int partition, ref Row row, CausalityVector? vector, bool flagged)
    {
        OutChannel channel = Channel(partition);
        SendBatch? batch = channel.Open;
        if (batch is null || batch.Flagged != flagged || batch.Rows.Length >= silo.Options.MaxBatchBytes)
        {
            batch = NewBatch(channel, flagged, null, row.Time);
            channel.Open = batch;
        }

        batch.Rows.Append(ref row, Mutations.KeepShortVector ? vector?.Without(channel.Journal) : vector);
        silo.Probe?.Sending(batch.Rows, in row);
        channel.NextNumber++;
        MarkDirty(channel);
        return batch.Stamp;
    }

    /// <summary>Announces what will never be repeated; takes a number like a record, is resent like one, never looked up.</summary>
    public void Add(int partition, Floor floor)
    {
        OutChannel channel = Channel(partition);
        NewBatch(channel, flagged: true, floor, 0);
        channel.Open = null;
        channel.NextNumber++;
        MarkDirty(channel);
    }

    /// <summary>Hands what has gathered to the transport.</summary>
    public void Transmit()
    {
        foreach (OutChannel channel in _dirty)
        {
            channel.Dirty = false;
            channel.Open = null;
            TransmitFrom(channel, channel.TransmitNext);
        }

        _dirty.Clear();
    }

    /// <summary>Sends again what has not arrived for a while.</summary>
    public void Resend()
    {
        foreach (OutChannel channel in _channels.Values)
        {
            if (Mutations.NeverResend || channel.Unacknowledged.Count == 0 || silo.NowMs - channel.LastProgressMs < silo.Options.ResendMs)
            {
                continue;
            }

            channel.LastProgressMs = silo.NowMs;
            silo.Ownerships.Refresh(channel.Partition);
            if (channel.Received < channel.NextNumber - 1)
            {
                TransmitFrom(channel, channel.Received + 1);
            }
            else if (channel.Journal >= 0)
            {
                // All has arrived, but no answer says that it is durable: a repeat asks for one.
                silo.Ports.Send(channel.Journal, Message(channel, channel.Unacknowledged[0]));
            }
        }
    }

    public void Acknowledged(AckMessage ack)
    {
        // A number of a closed channel means nothing.
        if (!_channels.TryGetValue(ack.Partition, out OutChannel? channel) || (channel.Epoch != ack.Epoch && !Mutations.TakeOldAcknowledgements))
        {
            return;
        }

        if (ack.Received > channel.Received)
        {
            channel.Received = ack.Received;
            channel.LastProgressMs = silo.NowMs;
        }

        int done = 0;
        while (done < channel.Unacknowledged.Count && channel.Unacknowledged[done].LastNumber <= ack.DurableNumber)
        {
            if (ReferenceEquals(channel.Open, channel.Unacknowledged[done]))
            {
                break;
            }

            if (channel.Unacknowledged[done] is { Transmissions: 1 } batch)
            {
                batch.Rows.Evict(); // The only message that refers to its buffer has been taken.
            }

            done++;
        }

        if (done > 0)
        {
            channel.Unacknowledged.RemoveRange(0, done);
            channel.LastProgressMs = silo.NowMs;
        }
    }

    /// <summary>The destination has a new owner: a new channel, and first, in the old order and flagged, all that is not acknowledged.</summary>
    public void Reopen(int partition, int epoch, int journal)
    {
        if (!_channels.TryGetValue(partition, out OutChannel? channel) || channel.Epoch >= epoch)
        {
            return;
        }

        channel.Epoch = epoch;
        channel.Journal = journal;
        channel.NextNumber = 1;
        channel.TransmitNext = 1;
        channel.Received = 0;
        channel.Open = null;
        channel.LastProgressMs = silo.NowMs;
        channel.Unacknowledged.RemoveAll(b => b.IsEmpty || Mutations.ForgetUnacknowledged);
        if (Mutations.ResendLast && channel.Unacknowledged.Count > 0)
        {
            channel.Unacknowledged.Add(channel.Unacknowledged[0]);
            channel.Unacknowledged.RemoveAt(0);
        }

        foreach (SendBatch batch in channel.Unacknowledged)
        {
            batch.Flagged = true;
            batch.FirstNumber = channel.NextNumber;
            batch.Rows.Refresh(silo.Journals);
            channel.NextNumber += batch.Count;
        }

        MarkDirty(channel);
    }

    /// <summary>Purges sends that depend on lost records; their numbers go out as empty slots.</summary>
    public void ApplySeals()
    {
        foreach (OutChannel channel in _channels.Values)
        {
            foreach (SendBatch batch in channel.Unacknowledged)
            {
                if (!Mutations.KeepOrphanedSends)
                {
                    batch.Rows.Refresh(silo.Journals);
                }

                silo.Probe?.Refreshed(batch.Rows);
            }
        }
    }

    /// <summary>The partition is now served by this silo: what waits for it is delivered here.</summary>
    public IReadOnlyList<SendBatch> TakeAll(int partition)
    {
        if (!_channels.Remove(partition, out OutChannel? channel))
        {
            return [];
        }

        _dirty.Remove(channel);
        return channel.Unacknowledged;
    }

    /// <summary>How many sends wait, by partition, and how many of them are floors; for people and checks.</summary>
    public IEnumerable<(int Partition, int Batches, int Floors)> Waits =>
        _channels.Values.Where(c => c.Unacknowledged.Count > 0).Select(c => (c.Partition, c.Unacknowledged.Count, c.Unacknowledged.Count(b => b.Floor is not null)));

    private OutChannel Channel(int partition)
    {
        if (!_channels.TryGetValue(partition, out OutChannel? channel))
        {
            (int epoch, int journal) = silo.Ownerships.OwnerOf(partition);
            channel = new OutChannel(partition) { Epoch = epoch, Journal = journal, LastProgressMs = silo.NowMs };
            _channels.Add(partition, channel);
            if (journal < 0)
            {
                silo.Ownerships.Refresh(partition);
            }
        }

        return channel;
    }

    private SendBatch NewBatch(OutChannel channel, bool flagged, Floor? floor, long time)
    {
        var rows = new LogBlock(channel.Partition, silo.Journal.Id, 0, new Offset(0), time);
        var batch = new SendBatch(rows, ++_stamp, floor) { Flagged = flagged, FirstNumber = channel.NextNumber };
        if (channel.Unacknowledged.Count == 0)
        {
            channel.LastProgressMs = silo.NowMs;
        }

        channel.Unacknowledged.Add(batch);
        return batch;
    }

    private void MarkDirty(OutChannel channel)
    {
        if (!channel.Dirty)
        {
            channel.Dirty = true;
            _dirty.Add(channel);
        }
    }

    private void TransmitFrom(OutChannel channel, long number)
    {
        if (channel.Journal < 0)
        {
            return;
        }

        foreach (SendBatch batch in channel.Unacknowledged)
        {
            if (batch.LastNumber >= number && !ReferenceEquals(batch, channel.Open) && !(Mutations.SkipEmptySlots && batch.IsEmpty))
            {
                silo.Ports.Send(channel.Journal, Message(channel, batch));
            }
        }

        channel.TransmitNext = Math.Max(channel.TransmitNext, channel.NextNumber);
    }

    private DataMessage Message(OutChannel channel, SendBatch batch)
    {
        batch.Transmissions++;
        ReadOnlySpan<LogBlock.Slot> slots = batch.Rows.Slots;
        WireSlot[] wire = slots.IsEmpty ? [] : new WireSlot[slots.Length];
        for (int i = 0; i < slots.Length; i++)
        {
            // What the destination's own journal holds is implied there by its prefix.
            wire[i] = new WireSlot(slots[i].Vector?.Prune(silo.Journals)?.Without(channel.Journal), slots[i].Void);
        }

        var message = new DataMessage(silo.Journal.Id, silo.SealVersion, silo.Journal.Durable)
        {
            Partition = channel.Partition,
            Epoch = channel.Epoch,
            FirstNumber = batch.FirstNumber,
            Count = batch.Count,
            Flagged = batch.Flagged,
            Rows = batch.Rows.Buffer ?? [],
            Length = batch.Rows.Length,
            BaseTime = batch.Rows.BaseTime,
            Slots = wire,
            Floor = batch.Floor,
        };
        silo.Probe?.Transmitting(message, batch.Rows);
        return message;
    }
}
