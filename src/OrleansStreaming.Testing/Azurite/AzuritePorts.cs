using System.Globalization;

namespace OrleansStreaming.Testing;

/// <summary>Where one Azurite listens; 0 for any port that is free.</summary>
/// <param name="Blobs">The port of blobs.</param>
/// <param name="Tables">The port of tables; null when it serves none.</param>
internal sealed record AzuritePorts(int Blobs, int? Tables)
{
    /// <summary>Reads the ports from what <c>azurite-host.js</c> says when it is ready.</summary>
    public static AzuritePorts Parse(string text)
    {
        int[] ports = [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(port => int.Parse(port, CultureInfo.InvariantCulture))];
        return new AzuritePorts(ports[0], ports.Length > 1 ? ports[1] : null);
    }

    /// <summary>As <c>azurite-host.js</c> takes them.</summary>
    public IEnumerable<string> ToArguments() => from port in new[] { Blobs, Tables } where port is not null select port.Value.ToString(CultureInfo.InvariantCulture);
}
