using Orleans.Streams;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The place of an event in its partition: the sequence token of this provider. A subscription that is made or resumed with
/// a token gets the event at that place, if it is of its stream, and all later ones of its stream. Store
/// <see cref="Offset"/>, as text if you like, rather than the token.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansStreaming.OffsetToken")]
public sealed class OffsetToken : StreamSequenceToken, IEquatable<OffsetToken>
{
    /// <summary>From the earliest event that the stream still has.</summary>
    public static readonly OffsetToken Earliest = new(Offset.None);

    [Id(0)]
    private readonly long _offset;

    [Id(1)]
    private readonly long _through = Offset.None.Value;

    [Id(2)]
    private readonly bool _behind;

    /// <summary>Makes the token of a place.</summary>
    /// <param name="offset">The place; <see cref="Offset.None"/> for the earliest event there is.</param>
    public OffsetToken(Offset offset) => _offset = offset.Value;

    private OffsetToken(long offset, long through, bool behind) => (_offset, _through, _behind) = (offset, through, behind);

    /// <summary>Ownership epoch and number.</summary>
    public Offset Offset => new(_offset);

    /// <summary>The value of <see cref="Offset"/>.</summary>
    public override long SequenceNumber
    {
        get => _offset;
        protected set => throw new NotSupportedException("A token does not change.");
    }

    /// <summary>Always 0: every event has a place of its own.</summary>
    public override int EventIndex
    {
        get => 0;
        protected set => throw new NotSupportedException("A token does not change.");
    }

    /// <summary>Whether it tells what a subscriber has been given, so that the next event is the one behind.</summary>
    internal bool IsDelivered => _through != Offset.None.Value || _behind;

    /// <summary>The last event that was given.</summary>
    internal long Through => _through;

    /// <summary>Whether the subscriber was being given the past, and all of it up to what is handed out now is still to come.</summary>
    internal bool IsBehind => _behind;

    /// <inheritdoc/>
    public override bool Equals(StreamSequenceToken? other) => Equals(other as OffsetToken);

    /// <inheritdoc/>
    public bool Equals(OffsetToken? other) => other is not null && other._offset == _offset && other._through == _through && other._behind == _behind;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as OffsetToken);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_offset, _through, _behind);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The other one is of another provider.</exception>
    public override int CompareTo(StreamSequenceToken? other) => other switch
    {
        null => 1,
        OffsetToken token => (_offset, _through).CompareTo((token._offset, token._through)),
        _ => throw new ArgumentException($"A token of this provider cannot be compared with {other.GetType().Name}: it is of another one.", nameof(other)),
    };

    /// <inheritdoc/>
    public override string ToString() => Offset.ToString();

    /// <summary>What a subscriber has been given.</summary>
    internal static OffsetToken Delivered(long first, long through, bool behind) => new(first, through, behind);
}
