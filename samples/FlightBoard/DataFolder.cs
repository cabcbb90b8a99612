using Flights;

namespace FlightBoard;

/// <summary>Where a run keeps what it writes: journals and checkpoints, the reports of the sink, and logs.</summary>
internal sealed class DataFolder : IDisposable
{
    public DataFolder(string? path)
    {
        IsTemporary = path is null;
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

    /// <summary>The state is deleted at the end.</summary>
    public bool IsTemporary { get; }

    public string State => Path.Combine(Root, "state");

    public string Azurite => Path.Combine(Root, "azurite");

    public string Reports => Path.Combine(Root, "reports");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>
    /// Notes which storage goes with the reports in this folder. What was noted by an earlier run is returned: with another
    /// storage the reports would be those of two runs, mixed.
    /// </summary>
    /// <param name="storage">The kind of storage, and behind a space what else is needed to find the state again.</param>
    public string KeepsStateIn(string storage)
    {
        string file = Path.Combine(Root, "storage");
        string? noted = File.Exists(file) ? File.ReadAllText(file).Trim() : Directory.Exists(State) ? "files" : null;
        if (noted is null)
        {
            File.WriteAllText(file, storage);
            return storage;
        }

        string kind = noted.Split(' ')[0];
        return kind == storage.Split(' ')[0]
            ? noted
            : throw new UserException($"The state of {Root} is kept with --storage {kind}. Say that, or choose another folder with --data.");
    }

    public void Dispose()
    {
        if (IsTemporary)
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
