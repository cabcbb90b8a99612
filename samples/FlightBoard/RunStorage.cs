using Flights;
using OrleansStreaming;

namespace FlightBoard;

/// <summary>Where the state of a run is kept: journals, checkpoints, manifests.</summary>
internal abstract class RunStorage : IAsyncDisposable
{
    /// <summary>What to tell people.</summary>
    public abstract string Description { get; }

    /// <summary>Opens what was asked for; what has to be started is started.</summary>
    /// <exception cref="UserException">It cannot be had; says what to do.</exception>
    public static async Task<RunStorage> OpenAsync(Options options, DataFolder data, CancellationToken cancellationToken) => options.Storage switch
    {
        StorageKind.Azurite => await AzuriteStorage.StartAsync(data, cancellationToken),
        StorageKind.Azure => AzureStorage.Open(options, data),
        _ => new FilesStorage(data),
    };

    /// <summary>Completes when it is gone for good, with what to tell.</summary>
    public virtual Task<string> Lost { get; } = new TaskCompletionSource<string>().Task;

    /// <summary>Has the engine use it.</summary>
    /// <param name="streaming">The topology.</param>
    /// <param name="flushDelay">How much longer every flush of a journal takes.</param>
    public abstract void Use(StreamingBuilder streaming, TimeSpan flushDelay);

    /// <summary>Ends what was started; when the state is not to be kept, it is deleted.</summary>
    public abstract ValueTask DisposeAsync();

    private sealed class FilesStorage : RunStorage
    {
        private readonly string _folder;

        public FilesStorage(DataFolder data)
        {
            data.KeepsStateIn("files");
            _folder = data.State;
        }

        public override string Description => "files";

        public override void Use(StreamingBuilder streaming, TimeSpan flushDelay) => streaming.UseFiles(_folder, files => files.FlushDelay = flushDelay);

        public override ValueTask DisposeAsync() => default; // The folder goes with the others.
    }
}
