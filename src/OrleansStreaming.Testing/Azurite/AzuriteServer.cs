namespace OrleansStreaming.Testing;

/// <summary>
/// Azurite, the emulator of Azure Storage, as a process of its own: on the loopback address, on a free port, with its data
/// and its log in a folder. It is started by this object and ends with it, also when this process is killed.
/// </summary>
/// <remarks>
/// <para>
/// Azurite keeps what it has confirmed only when it is stopped (<see cref="StopAsync"/>). When it is killed
/// (<see cref="KillAsync"/>) it loses what it has confirmed in the last five seconds: that is what the emulator does, and not
/// what Azure does.
/// </para>
/// <para>
/// A Ctrl+C or SIGTERM that reaches the whole application does not stop it: the application may still have to write. It ends
/// when this object is disposed of or this process ends. Members may be called from any thread.
/// </para>
/// </remarks>
public sealed class AzuriteServer : IAsyncDisposable
{
    // Known to everybody: the account of every emulator, see Microsoft's documentation of Azurite.
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly AzuriteFolder _folder;
    private readonly AzuriteOptions _options;
    private readonly string _main;
    private AzuriteProcess _process;

    private AzuriteServer(AzuriteFolder folder, AzuriteOptions options, string main, AzuriteProcess process)
    {
        _folder = folder;
        _options = options;
        _main = main;
        _process = process;
        BlobEndpoint = Endpoint(process.Ports.Blobs);
        TableEndpoint = process.Ports.Tables is { } port ? Endpoint(port) : null;
    }

    /// <summary>Null when Azurite can be run on this machine; otherwise why not, as a reason to skip a test.</summary>
    public static string? Unavailable => AzuriteInstallation.Missing();

    /// <summary>Where blobs are: the address of the account, on the loopback address.</summary>
    public Uri BlobEndpoint { get; }

    /// <summary>Where tables are, as blobs are; null without <see cref="AzuriteOptions.Tables"/>.</summary>
    public Uri? TableEndpoint { get; }

    /// <summary>What clients connect with. The account and its key are those of every emulator, and no secret.</summary>
    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={BlobEndpoint};{(TableEndpoint is null ? "" : $"TableEndpoint={TableEndpoint};")}";

    /// <summary>The folder of its data and its log, <c>azurite.log</c>.</summary>
    public string Folder => _folder.Path;

    /// <summary>The process that runs it now, or ran it last.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether its process lives.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>Installs Azurite where it is missing, starts it and waits until it answers.</summary>
    /// <param name="folder">Where it keeps its data; made when it does not exist. What is there from an earlier run is served again.</param>
    /// <param name="cancellationToken">Gives up; nothing is left running.</param>
    /// <exception cref="AzuriteException">It cannot be installed or started, or another process uses the folder.</exception>
    public static Task<AzuriteServer> StartAsync(string folder, CancellationToken cancellationToken) =>
        StartAsync(folder, new AzuriteOptions(), cancellationToken);

    /// <inheritdoc cref="StartAsync(string, CancellationToken)"/>
    /// <param name="folder">Where it keeps its data; made when it does not exist. What is there from an earlier run is served again.</param>
    /// <param name="options">How to install and run it.</param>
    /// <param name="cancellationToken">Gives up; nothing is left running.</param>
    public static async Task<AzuriteServer> StartAsync(string folder, AzuriteOptions options, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(options);
        string main = await AzuriteInstallation.FindOrInstallAsync(options, cancellationToken).ConfigureAwait(false);
        AzuriteFolder own = await AzuriteFolder.OpenAsync(folder, cancellationToken).ConfigureAwait(false);
        try
        {
            return new AzuriteServer(own, options, main, await StartProcessAsync(own, options, main, new AzuritePorts(0, options.Tables ? 0 : null), cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Stops it in good order and waits until its process has ended: nothing that it has confirmed is lost. Does nothing when it is not running.</summary>
    /// <exception cref="AzuriteException">It did not stop within <see cref="AzuriteOptions.StopLimit"/>, and was killed.</exception>
    public Task StopAsync() => InTurnAsync(() => _process.StopAsync(_options.StopLimit));

    /// <summary>Kills it, as a loss of power would, and waits until its process has ended. It loses what it has confirmed in the last seconds. Does nothing when it is not running.</summary>
    public Task KillAsync() => InTurnAsync(() => _process.KillAsync());

    /// <summary>Completes when the process that runs it now has ended, for whatever reason.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="KillAsync"/>, on the same port and the same folder, and waits until it answers.</summary>
    /// <exception cref="AzuriteException">It cannot be started.</exception>
    /// <exception cref="InvalidOperationException">It is running.</exception>
    public Task StartAgainAsync() => InTurnAsync(async () =>
    {
        if (IsRunning)
        {
            throw new InvalidOperationException($"Azurite is running already, as process {ProcessId}.");
        }

        _process = await StartProcessAsync(_folder, _options, _main, new AzuritePorts(BlobEndpoint.Port, TableEndpoint?.Port), CancellationToken.None).ConfigureAwait(false);
    });

    /// <summary>Stops it as <see cref="StopAsync"/> does, and lets go of the folder.</summary>
    /// <exception cref="AzuriteException">It did not stop within <see cref="AzuriteOptions.StopLimit"/>, and was killed.</exception>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _folder.Dispose();
        }
    }

    private static Uri Endpoint(int port) => new($"http://127.0.0.1:{port}/{Account}");

    private static async Task<AzuriteProcess> StartProcessAsync(AzuriteFolder folder, AzuriteOptions options, string main, AzuritePorts ports, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.StartLimit);
        try
        {
            while (true)
            {
                await folder.WaitForPredecessorAsync(limit.Token).ConfigureAwait(false);
                if (await AzuriteProcess.StartAsync(main, folder, ports, limit.Token).ConfigureAwait(false) is { } process)
                {
                    return process;
                }

                // Somebody else has the port, or an Azurite whose owner was just killed has the folder: either may pass.
                await Task.Delay(Retry, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AzuriteException($"Azurite does not answer within {options.StartLimit.TotalSeconds:0} s.{folder.Hint(ports)}");
        }
    }

    private async Task InTurnAsync(Func<Task> action)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await action().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
