namespace OrleansStreaming.Core;

/// <summary>What comes into a partition: events from outside, outputs of grains, records that grains write for themselves.</summary>
internal sealed partial class Partition
{
    /// <summary>Takes events from outside. They are acknowledged when durable.</summary>
    public void Ingest(IngestBatch batch)
    {
        if (Closed || Lost)
        {
            batch.Done(new IngestResult(IngestStatus.NotHere));
            return;
        }

        ProducerEntry known = default;
        bool named = batch.Producer.Length > 0, found = false;
        Span<byte> key = stackalloc byte[ProducerTable.MaxKeyBytes];
        int keyLength = 0;
        if (named)
        {
            if (!Duplicates.TryCatchUp())
            {
                batch.Done(new IngestResult(IngestStatus.Busy));
                return;
            }

            keyLength = ProducerTable.KeyOf(new Row { Producer = ProducerKind.External, ProducerKey = batch.Producer }, key);
            found = Duplicates.TryFind(key[..keyLength], out known);
            long last = found ? known.Name.Input : -1;
            if (batch.Previous is { } previous && previous != last && !(Mutations.TakeGaps && previous > last))
            {
                batch.Done(new IngestResult(IngestStatus.OutOfOrder, Position: last));
                return;
            }

            if (!found && Duplicates.ExternalProducers >= _silo.Options.MaxProducers)
            {
                batch.Done(new IngestResult(IngestStatus.TooManyProducers));
                return;
            }

            if (found && batch.Previous is null && batch.Sequence <= known.Name.Input)
            {
                // A repeat is acknowledged when what it repeats is durable.
                long repeated = known.Journal == _silo.Journal.Id ? known.Lsn : 0;
                _ingests.Enqueue((repeated, batch, 0));
                AcknowledgeIngests();
                return;
            }
        }

        _silo.Journal.BeginAtomic(batch.Rows.Length);
        long now = _silo.WallMicros;
        var lastName = new RecordName(batch.Previous is null ? batch.Sequence : batch.Last, batch.Previous is null ? batch.Count - 1 : 0);
        LogBlock block = _silo.Journal.Append(Log, batch.Rows.Span, batch.Count, now, batch.Producer, lastName);
        if (named)
        {
            Duplicates.Appended(key[..keyLength], new ProducerEntry(lastName, block.Journal, block.Lsn, now / 1000));
        }

        ReportIngested(block, batch.Count);
        _ingests.Enqueue((_silo.Journal.EndAtomic(), batch, batch.Count));
        _silo.Counters.Ingested += batch.Count;
    }

    private void ReportIngested(LogBlock block, int count)
    {
        if (_silo.Probe is null)
        {
            return;
        }

        int at = 0;
        for (int i = 0; i < block.Count; i++)
        {
            at += Row.Read(block.Rows[at..], block.BaseTime, out Row row);
            if (i >= block.Count - count)
            {
                _silo.Probe.Appended(this, block, block.First.Value + i, in row, null);
            }
        }
    }

    /// <summary>Takes an output of a grain of this silo.</summary>
    public void TakeLocal(ref Row row, CausalityVector? foreign, int from, bool flagged)
    {
        if (flagged && IsRepeat(in row, out _))
        {
            _silo.Counters.Repeats++;
            return;
        }

        Append(ref row, foreign, from);
    }

    /// <summary>Takes what comes over a channel; false when it must wait for a part of the log to come back to memory.</summary>
    public bool Receive(DataMessage message)
    {
        if (!_in.TryGetValue(message.From, out InChannel? channel))
        {
            _in.Add(message.From, channel = new InChannel());
        }

        if (Mutations.HeedFloorEarly && message.Floor is { } early)
        {
            Duplicates.Raise(early);
        }

        long last = message.FirstNumber + message.Count - 1;
        if (Mutations.TakeAnyNumber && message.FirstNumber > channel.Next)
        {
            channel.Next = message.FirstNumber;
        }

        if (message.FirstNumber > channel.Next || last < channel.Next)
        {
            channel.Changed |= last < channel.Next; // A repeat: perhaps the acknowledgement was lost.
            _silo.MarkForAck(this);
            return true;
        }

        if (message.Flagged && message.Floor is null && !Duplicates.TryCatchUp())
        {
            return false;
        }

        _silo.MarkForAck(this);
        if (message.Floor is { } floor)
        {
            Duplicates.Raise(floor);
            channel.Took(last, 0);
            return true;
        }

        (CausalityVector? Vector, bool Dropped)[] slots = message.Slots.Length == 0 ? [] : Array.ConvertAll(
            message.Slots, s => (s.Vector?.Prune(_silo.Journals), s.Void || (_silo.Journals.IsLost(s.Vector) && !Mutations.TakeOrphans)));
        int at = 0;
        for (int i = 0; i < message.Count; i++)
        {
            at += Row.Read(message.Rows.AsSpan(at, message.Length - at), message.BaseTime, out Row row);
            long number = message.FirstNumber + i;
            if (number < channel.Next)
            {
                continue;
            }

            (CausalityVector? vector, bool dropped) = row.Slot == 0 ? default : slots[row.Slot - 1];
            long lsn = 0;
            _silo.Probe?.Receiving(message, i);
            if (dropped)
            {
                _silo.Counters.OrphansDropped++;
                _silo.Probe?.Dropped(message.From, in row);
            }
            else if (message.Flagged && !Mutations.TakeRepeats && IsRepeat(in row, out lsn))
            {
                _silo.Counters.Repeats++;
                lsn = Mutations.AcknowledgeRepeats ? 0 : lsn;
            }
            else
            {
                lsn = Append(ref row, vector, SourceOf(in row)).Lsn;
            }

            channel.Took(number, Mutations.AcknowledgeEarly ? 0 : lsn);
        }

        return true;
    }

    /// <summary>A record that a grain writes for itself, with what it depends on.</summary>
    public DecisionEntry AppendSelf(RecordKind kind, int operatorId, Grain grain, RecordName name, ReadOnlySpan<byte> payload, CausalityVector? with = null)
    {
        var row = new Row
        {
            Kind = kind,
            Producer = ProducerKind.Self,
            OperatorId = operatorId,
            Name = name,
            Key = grain.Key,
            Time = _silo.WallMicros,
            Payload = payload,
        };
        CausalityVector? vector = CausalityVector.Merge(Mutations.FireBare && kind != RecordKind.Decision ? null : grain.Foreign?.Prune(_silo.Journals), with);
        _silo.Probe?.WritingSelf(this, operatorId, grain);
        LogBlock block = Append(ref row, vector, -1);
        return new DecisionEntry(block, row.Slot, block.LastOffset, string.Empty);
    }

    public DecisionEntry AppendDecision(int operatorId, Grain grain, in Input input, Exception error)
    {
        string reason = error.ToString();
        if (reason.Length > MaxReason)
        {
            reason = reason[..MaxReason];
        }

        DecisionEntry entry = AppendSelf(
            RecordKind.Decision, operatorId, grain, new RecordName(input.Offset, 0), System.Text.Encoding.UTF8.GetBytes(reason), input.Block.VectorOf(input.Slot)?.Prune(_silo.Journals));
        return entry with { Reason = reason };
    }

    private const int MaxReason = 8 << 10;

    private void AcknowledgeIngests()
    {
        long durable = _silo.Journal.Durable;
        while (_ingests.TryPeek(out var first) && (first.Lsn <= durable || Mutations.AnswerEarly))
        {
            _ingests.Dequeue();
            first.Batch.Done(new IngestResult(IngestStatus.Durable, first.Appended));
        }
    }

    private bool IsRepeat(in Row row, out long lsn)
    {
        lsn = 0;
        Span<byte> key = stackalloc byte[ProducerTable.MaxKeyBytes];
        int length = ProducerTable.KeyOf(in row, key);
        if (!Duplicates.TryCatchUp())
        {
            throw new ProtocolException($"the log of {Name} must be in memory before repeats are looked up");
        }

        if (!Duplicates.TryFind(key[..length], out ProducerEntry known) || known.Name.CompareTo(row.Name) < 0)
        {
            return false;
        }

        lsn = known.Journal == _silo.Journal.Id ? known.Lsn : 0;
        return true;
    }

    /// <summary>The partition that the grain reads that made a row; -1 for a row of somebody else, or when that is not known.</summary>
    private int SourceOf(in Row row) => row.Producer == ProducerKind.Grain ? _silo.SourcePartition(row.OperatorId, row.ProducerKey) : -1;

    private LogBlock Append(ref Row row, CausalityVector? vector, int from)
    {
        LogBlock block = _silo.Journal.Append(Log, ref row, vector);
        if (row.Producer == ProducerKind.Grain)
        {
            block.NoteGrain(row.OperatorId, from, row.Name.Input);
        }

        Note(block, in row, Log.NextOffset.Value - 1);
        _silo.Probe?.Appended(this, block, block.LastOffset, in row, vector);
        return block;
    }

    private void Note(LogBlock block, in Row row, long offset)
    {
        if (row.Producer == ProducerKind.Self)
        {
            string reason = row.Kind == RecordKind.Decision ? System.Text.Encoding.UTF8.GetString(row.Payload) : string.Empty;
            Self.Add(row.Kind, row.OperatorId, row.Key, row.Name, new DecisionEntry(block, row.Slot, offset, reason));
        }
    }
}
