namespace OrleansStreaming.Testing;

/// <summary>How an <see cref="AzuriteServer"/> is installed and run.</summary>
public sealed class AzuriteOptions
{
    /// <summary>
    /// A folder with <c>node_modules/azurite</c> in it, such as one where <c>npm install azurite</c> was run. Null, the default:
    /// the folder <c>infra/azurite</c> of the repository where it is installed there, and otherwise a folder of its own under
    /// <c>artifacts</c> (outside of the repository, under the user's local data), where <c>npm ci</c> installs it on first use.
    /// </summary>
    public string? InstalledIn { get; set; }

    /// <summary>Whether it serves tables, too, at <see cref="AzuriteServer.TableEndpoint"/>; otherwise it serves blobs alone.</summary>
    public bool Tables { get; set; }

    /// <summary>How long a start may take, not counting the installation.</summary>
    public TimeSpan StartLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stop may take; then Azurite is killed, and the stop fails.</summary>
    public TimeSpan StopLimit { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Is told, in a sentence, of what takes long, such as the installation.</summary>
    public Action<string>? Progress { get; set; }
}
