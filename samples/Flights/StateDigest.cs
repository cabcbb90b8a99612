using System.Security.Cryptography;
using System.Text;

namespace Flights;

/// <summary>One number for all states: the same however a run went, if nothing was lost and nothing counted twice. Not thread-safe.</summary>
public sealed class StateDigest : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds all states of an operator: a line for each grain, sorted by key, such as <c>AirportDelays ATL {"count":3,...}</c>.</summary>
    /// <param name="operator">The operator's name.</param>
    /// <param name="states">The states as JSON, by key.</param>
    public void Add(string @operator, IEnumerable<KeyValuePair<string, string>> states)
    {
        foreach ((string key, string json) in states.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            _hash.AppendData(Encoding.UTF8.GetBytes($"{@operator} {key} {json}\n"));
        }
    }

    /// <summary>The digest of all that was added, in hexadecimal; starts anew.</summary>
    public string Take() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
