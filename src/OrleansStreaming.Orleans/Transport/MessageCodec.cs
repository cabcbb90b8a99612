using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>The bytes of messages between silos. All silos of a cluster must speak the same version.</summary>
internal static class MessageCodec
{
    private enum Kind : byte
    {
        Watermark,
        Data,
        Ack,
        Refused,
        Owner,
        Released,
        Seals,
    }

    public static void Write(WireWriter to, SiloMessage message)
    {
        to.Byte((byte)KindOf(message));
        to.Number(message.From);
        to.Number(message.SealVersion);
        to.Number(message.Durable);
        switch (message)
        {
            case DataMessage data:
                WriteData(to, data);
                break;
            case AckMessage ack:
                to.Number(ack.Partition);
                to.Number(ack.Epoch);
                to.Number(ack.Received);
                to.Number(ack.DurableNumber);
                break;
            case RefusedMessage refused:
                to.Number(refused.Partition);
                to.Number(refused.Epoch);
                break;
            case OwnerMessage owner:
                to.Number(owner.Partition);
                to.Number(owner.Epoch);
                break;
            case ReleasedMessage released:
                to.Number(released.Partition);
                break;
            case SealsMessage seals:
                to.Number(seals.Seals.Count);
                foreach (Seal seal in seals.Seals)
                {
                    to.Number(seal.Journal);
                    to.Number(seal.End);
                }

                break;
        }
    }

    /// <summary>Reads the next message.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static SiloMessage Read(ref WireReader from)
    {
        var kind = (Kind)from.Byte();
        int sender = from.Int(), version = from.Int();
        long durable = from.Number();
        return kind switch
        {
            Kind.Watermark => new WatermarkMessage(sender, version, durable),
            Kind.Data => ReadData(ref from, sender, version, durable),
            Kind.Ack => new AckMessage(sender, version, durable, from.Int(), from.Int(), from.Number(), from.Number()),
            Kind.Refused => new RefusedMessage(sender, version, durable, from.Int(), from.Int()),
            Kind.Owner => new OwnerMessage(sender, version, durable, from.Int(), from.Int()),
            Kind.Released => new ReleasedMessage(sender, version, durable, from.Int()),
            Kind.Seals => new SealsMessage(sender, version, durable, ReadSeals(ref from)),
            _ => throw new InvalidDataException($"a silo of another version sent a message of kind {(byte)kind}"),
        };
    }

    private static Kind KindOf(SiloMessage message) => message switch
    {
        WatermarkMessage => Kind.Watermark,
        DataMessage => Kind.Data,
        AckMessage => Kind.Ack,
        RefusedMessage => Kind.Refused,
        OwnerMessage => Kind.Owner,
        ReleasedMessage => Kind.Released,
        SealsMessage => Kind.Seals,
        _ => throw new NotSupportedException($"{message.GetType().Name} has no bytes."),
    };

    private static void WriteData(WireWriter to, DataMessage data)
    {
        to.Number(data.Partition);
        to.Number(data.Epoch);
        to.Number(data.FirstNumber);
        to.Number(data.Count);
        to.Flag(data.Flagged);
        to.Bytes(data.Rows.AsSpan(0, data.Length));
        to.Number(data.BaseTime);
        to.Number(data.Slots.Length);
        foreach (WireSlot slot in data.Slots)
        {
            to.Flag(slot.Void);
            to.Vector(slot.Vector);
        }

        to.Flag(data.Floor is not null);
        if (data.Floor is { } floor)
        {
            to.Number(floor.OperatorId);
            to.Number(floor.SourcePartition);
            to.Number(floor.Offset);
        }
    }

    private static DataMessage ReadData(ref WireReader from, int sender, int version, long durable)
    {
        int partition = from.Int(), epoch = from.Int();
        long first = from.Number();
        int count = from.Int();
        bool flagged = from.Flag();
        byte[] rows = from.Bytes().ToArray();
        long baseTime = from.Number();
        var slots = new WireSlot[from.Count()];
        for (int i = 0; i < slots.Length; i++)
        {
            bool isVoid = from.Flag();
            slots[i] = new WireSlot(from.Vector(), isVoid);
        }

        return new DataMessage(sender, version, durable)
        {
            Partition = partition,
            Epoch = epoch,
            FirstNumber = first,
            Count = count,
            Flagged = flagged,
            Rows = rows,
            Length = rows.Length,
            BaseTime = baseTime,
            Slots = slots,
            Floor = from.Flag() ? new Floor(from.Int(), from.Int(), from.Number()) : null,
        };
    }

    private static Seal[] ReadSeals(ref WireReader from)
    {
        var seals = new Seal[from.Count()];
        for (int i = 0; i < seals.Length; i++)
        {
            seals[i] = new Seal(from.Int(), from.Number());
        }

        return seals;
    }
}
