using System.Diagnostics.CodeAnalysis;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Gives keys and producer ids small numbers, so that they are compared and hashed as such.</summary>
internal sealed class KeyTable
{
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _numbers = new Dictionary<byte[], int>(new Comparer()).GetAlternateLookup<ReadOnlySpan<byte>>();
    private readonly List<byte[]> _bytes = [];

    public byte[] this[int number] => _bytes[number];

    public int Of(ReadOnlySpan<byte> bytes)
    {
        if (!_numbers.TryGetValue(bytes, out int number))
        {
            number = _bytes.Count;
            _bytes.Add(bytes.ToArray());
            _numbers.Dictionary.Add(_bytes[number], number);
        }

        return number;
    }

    /// <summary>For people: text where it is text, else hexadecimal.</summary>
    public string Text(int number)
    {
        byte[] bytes = _bytes[number];
        return bytes.Length > 0 && Array.TrueForAll(bytes, b => b is > 32 and < 127) ? System.Text.Encoding.ASCII.GetString(bytes) : Convert.ToHexString(bytes);
    }

    private sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        // Not HashCode: its seed differs from process to process, and dictionaries of keys are walked.
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            ulong hash = 14695981039346656037;
            foreach (byte b in alternate)
            {
                hash = (hash ^ b) * 1099511628211;
            }

            return (int)(hash ^ (hash >> 32));
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
