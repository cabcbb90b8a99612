namespace OrleansStreaming.Core;

/// <summary>A copy of a grain in memory. One that nobody needs any more is used again: with partitions in several silos, two of three events may take one.</summary>
internal sealed class UndoCopy
{
    /// <summary>What <see cref="Take"/> touches of it.</summary>
    public const int TouchedBytes = 40;
    private byte[] _state = [];
    private int _length;

    public ReadOnlySpan<byte> State => _state.AsSpan(0, _length);

    public long Position { get; private set; }

    public long OwnLsn { get; private set; }

    public List<PendingRequest>? Pending { get; private set; }

    /// <summary>Makes it a copy of a grain as it is, but for its state, which is given.</summary>
    public void Take(Grain grain, ReadOnlySpan<byte> state)
    {
        if (_state.Length < state.Length)
        {
            _state = new byte[state.Length];
        }

        state.CopyTo(_state);
        _length = state.Length;
        Position = grain.Position;
        OwnLsn = grain.OwnLsn;
        Pending = grain.Pending is null ? null : [.. grain.Pending];
    }

    /// <summary>Has the memory of its state fetched.</summary>
    public void PrefetchState() => Memory.Prefetch(_state, sizeof(long) + 16);
}
