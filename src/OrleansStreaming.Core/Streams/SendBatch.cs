namespace OrleansStreaming.Core;

/// <summary>Records sent together.</summary>
internal sealed class SendBatch(LogBlock rows, long stamp, Floor? floor)
{
    public LogBlock Rows { get; } = rows;

    /// <summary>Grows from batch to batch over all channels, and stays when a batch is sent again.</summary>
    public long Stamp { get; } = stamp;

    public Floor? Floor { get; } = floor;

    /// <summary>May repeat what the destination has.</summary>
    public bool Flagged { get; set; }

    public long FirstNumber { get; set; }

    /// <summary>How often it has been handed to the transport.</summary>
    public int Transmissions { get; set; }

    public int Count => Floor is null ? Rows.Count : 1;

    public long LastNumber => FirstNumber + Count - 1;

    /// <summary>Every row is void.</summary>
    public bool IsEmpty
    {
        get
        {
            if (Floor is not null || !Rows.HasSlots)
            {
                return false;
            }

            foreach (ref readonly LogBlock.Slot slot in Rows.Slots)
            {
                if (!slot.Void)
                {
                    return false;
                }
            }

            // Rows without a slot depend on nothing that could be lost.
            int at = 0;
            for (int i = 0; i < Rows.Count; i++)
            {
                at += Row.Read(Rows.Rows[at..], Rows.BaseTime, out Row row);
                if (row.Slot == 0)
                {
                    return false;
                }
            }

            return true;
        }
    }
}
