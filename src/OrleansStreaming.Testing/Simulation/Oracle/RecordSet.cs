namespace OrleansStreaming.Testing.Simulation;

/// <summary>A set of records by their number. What is in one never leaves it.</summary>
internal sealed class RecordSet
{
    private ulong[] _bits = [];

    public void Add(int record)
    {
        int word = record >> 6;
        if (word >= _bits.Length)
        {
            Array.Resize(ref _bits, Math.Max(word + 1, _bits.Length * 2));
        }

        _bits[word] |= 1UL << (record & 63);
    }

    public void AddAll(RecordSet? other)
    {
        if (other is null)
        {
            return;
        }

        if (other._bits.Length > _bits.Length)
        {
            Array.Resize(ref _bits, other._bits.Length);
        }

        for (int i = 0; i < other._bits.Length; i++)
        {
            _bits[i] |= other._bits[i];
        }
    }

    public RecordSet Copy() => new() { _bits = [.. _bits] };

    public bool Contains(int record) => record >> 6 < _bits.Length && (_bits[record >> 6] & (1UL << (record & 63))) != 0;

    /// <summary>A record that is in both, or -1.</summary>
    public int Common(RecordSet other)
    {
        int length = Math.Min(_bits.Length, other._bits.Length);
        for (int i = 0; i < length; i++)
        {
            if ((_bits[i] & other._bits[i]) != 0)
            {
                return (i << 6) + System.Numerics.BitOperations.TrailingZeroCount(_bits[i] & other._bits[i]);
            }
        }

        return -1;
    }

    /// <summary>A record that is here and not there, or -1.</summary>
    public int Without(RecordSet other)
    {
        for (int i = 0; i < _bits.Length; i++)
        {
            ulong rest = _bits[i] & ~(i < other._bits.Length ? other._bits[i] : 0);
            if (rest != 0)
            {
                return (i << 6) + System.Numerics.BitOperations.TrailingZeroCount(rest);
            }
        }

        return -1;
    }

    /// <summary>The union with one record more.</summary>
    public static RecordSet Union(RecordSet? a, RecordSet? b, int record = -1)
    {
        RecordSet union = a?.Copy() ?? new RecordSet();
        union.AddAll(b);
        if (record >= 0)
        {
            union.Add(record);
        }

        return union;
    }
}
