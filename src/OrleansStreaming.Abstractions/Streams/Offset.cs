using System.Globalization;

namespace OrleansStreaming;

/// <summary>
/// A position in a partition: the ownership epoch and a number within it. Ordered; never used again for another event.
/// </summary>
public readonly record struct Offset(long Value) : IComparable<Offset>
{
    private const int NumberBits = 40;
    private const int EpochBits = 23;

    /// <summary>Before the first event.</summary>
    public static readonly Offset None = new(-1);

    /// <summary>Makes an offset of its parts.</summary>
    /// <param name="epoch">Ownership epoch, at most 23 bits.</param>
    /// <param name="number">Number within the epoch, at most 40 bits.</param>
    public Offset(int epoch, long number)
        : this(((long)epoch << NumberBits) | number)
    {
    }

    /// <summary>The ownership epoch.</summary>
    public int Epoch => Value < 0 ? 0 : (int)(Value >> NumberBits);

    /// <summary>The number within the epoch.</summary>
    public long Number => Value < 0 ? -1 : Value & ((1L << NumberBits) - 1);

    /// <inheritdoc/>
    public int CompareTo(Offset other) => Value.CompareTo(other.Value);

    /// <summary>Orders offsets.</summary>
    public static bool operator <(Offset a, Offset b) => a.Value < b.Value;

    /// <summary>Orders offsets.</summary>
    public static bool operator >(Offset a, Offset b) => a.Value > b.Value;

    /// <summary>Orders offsets.</summary>
    public static bool operator <=(Offset a, Offset b) => a.Value <= b.Value;

    /// <summary>Orders offsets.</summary>
    public static bool operator >=(Offset a, Offset b) => a.Value >= b.Value;

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">Such as <c>3.120</c>, or <c>-</c>.</param>
    /// <param name="offset">The offset.</param>
    public static bool TryParse(string? text, out Offset offset)
    {
        offset = None;
        string[] parts = text?.Split('.') ?? [];
        if (parts.Length != 2)
        {
            return text == "-";
        }

        if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
            || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || epoch >= 1 << EpochBits || number >= 1L << NumberBits)
        {
            return false;
        }

        offset = new Offset(epoch, number);
        return true;
    }

    /// <summary>Such as <c>3.120</c>: epoch 3, number 120; <c>-</c> for <see cref="None"/>.</summary>
    public override string ToString() =>
        Value < 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{Epoch}.{Number}");
}
