using System.Collections;
using System.Runtime.CompilerServices;

namespace OrleansStreaming;

/// <summary>One or several names of streams. Made from a string, an array or a collection expression: <c>from: ["orders", "payments"]</c>.</summary>
[CollectionBuilder(typeof(StreamNames), nameof(Create))]
public readonly struct StreamNames : IReadOnlyList<string>, IEquatable<StreamNames>
{
    private readonly string[]? _names;

    private StreamNames(string[] names) => _names = names;

    /// <summary>How many names there are.</summary>
    public int Count => Names.Length;

    private string[] Names => _names ?? [];

    /// <summary>The name at an index.</summary>
    /// <param name="index">From 0.</param>
    public string this[int index] => Names[index];

    /// <summary>One stream.</summary>
    /// <param name="name">Its name.</param>
    public static implicit operator StreamNames(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new StreamNames([name]);
    }

    /// <summary>Several streams.</summary>
    /// <param name="names">Their names.</param>
    public static implicit operator StreamNames(string[] names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return Create(names);
    }

    /// <summary>Compares the names, in order.</summary>
    public static bool operator ==(StreamNames left, StreamNames right) => left.Equals(right);

    /// <summary>Compares the names, in order.</summary>
    public static bool operator !=(StreamNames left, StreamNames right) => !left.Equals(right);

    /// <summary>What a collection expression calls.</summary>
    /// <param name="names">The names.</param>
    public static StreamNames Create(ReadOnlySpan<string> names)
    {
        foreach (string? name in names)
        {
            ArgumentNullException.ThrowIfNull(name, nameof(names));
        }

        return new StreamNames(names.ToArray());
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)Names).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(StreamNames other) => Names.AsSpan().SequenceEqual(other.Names);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is StreamNames other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Names.Aggregate(0, (hash, name) => HashCode.Combine(hash, name));

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Names);
}
