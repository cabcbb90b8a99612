namespace FlightCluster.Drive;

/// <summary>Where a run keeps what it writes.</summary>
internal sealed class Folders : IDisposable
{
    private readonly bool _isTemporary;

    public Folders(string? path)
    {
        _isTemporary = path is null;
        try
        {
            Root = path is null ? Directory.CreateTempSubdirectory("flightcluster-").FullName : Directory.CreateDirectory(path).FullName;
            Directory.CreateDirectory(Logs);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"The folder {path} cannot be used: {e.Message}", e);
        }
    }

    public string Root { get; }

    public string Azurite => Path.Combine(Root, "azurite");

    public string Reports => Path.Combine(Root, "reports");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>The run has failed: what it wrote is kept, to be looked at.</summary>
    public bool Keep { get; set; }

    public void Dispose()
    {
        if (!_isTemporary)
        {
            return;
        }

        if (Keep)
        {
            Console.WriteLine($"Logs and state are left in {Root}.");
            return;
        }

        try
        {
            Directory.Delete(Root, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{Root} could not be deleted: {e.Message}");
        }
    }
}
