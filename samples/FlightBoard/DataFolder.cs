namespace FlightBoard;

/// <summary>Where a run keeps what it writes: journals and checkpoints, the reports of the sink, and logs.</summary>
internal sealed class DataFolder : IDisposable
{
    private readonly bool _isTemporary;

    public DataFolder(string? path)
    {
        _isTemporary = path is null;
        try
        {
            Root = path is null ? Directory.CreateTempSubdirectory("flightboard-").FullName : Directory.CreateDirectory(path).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"The folder {path} cannot be used: {e.Message}", e);
        }
    }

    public string Root { get; }

    public string State => Path.Combine(Root, "state");

    public string Reports => Path.Combine(Root, "reports");

    public string Logs => Path.Combine(Root, "logs");

    public void Dispose()
    {
        if (_isTemporary)
        {
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
}
