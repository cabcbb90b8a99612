namespace OrleansStreaming.Core;

/// <summary>A copy of a grain in memory. One that nobody needs any more is used again: with partitions in several silos, every third event may take one.</summary>
internal sealed class UndoCopy
{
    public byte[] State { get; private set; } = [];

    public long Position { get; private set; }

    public long OwnLsn { get; private set; }

    public List<PendingRequest>? Pending { get; private set; }

    /// <summary>Makes it a copy of a grain as it is, but for its state, which is given.</summary>
    public void Take(Grain grain, ReadOnlySpan<byte> state)
    {
        if (State.Length != state.Length)
        {
            State = new byte[state.Length];
        }

        state.CopyTo(State);
        Position = grain.Position;
        OwnLsn = grain.OwnLsn;
        Pending = grain.Pending is null ? null : [.. grain.Pending];
    }
}
