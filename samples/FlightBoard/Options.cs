using System.CommandLine;
using System.Globalization;

namespace FlightBoard;

/// <summary>What can be asked for with <c>--storage</c>.</summary>
internal enum StorageKind
{
    Files,
    Azurite,
    Azure,
}

/// <summary>What was asked for on the command line.</summary>
internal sealed record Options
{
    public const int DefaultPort = 5080;
    private const double DefaultSeconds = 20;
    public const string ConnectionVariable = "AZURE_STORAGE_CONNECTION_STRING";

    /// <summary>Flights a second, 0 for as fast as it goes; null when nothing was said.</summary>
    public required int? Rate { get; init; }

    /// <summary>Run to the end of the file, print the summary, exit.</summary>
    public required bool Once { get; init; }

    /// <summary>Silos to kill on the way.</summary>
    public required int Kills { get; init; }

    /// <summary>How much longer every journal flush takes.</summary>
    public required TimeSpan FlushDelay { get; init; }

    /// <summary>What the state is kept in.</summary>
    public required StorageKind Storage { get; init; }

    /// <summary>A connection string of Azure Blob Storage, or the address of a container.</summary>
    public required string? Connection { get; init; }

    /// <summary>Where the state is kept; null for a folder that is deleted at the end.</summary>
    public required string? Data { get; init; }

    /// <summary>The file of flights; null for the data set.</summary>
    public required string? Input { get; init; }

    /// <summary>Where to serve; null for the default.</summary>
    public required string? Urls { get; init; }

    /// <summary>Flights a second for a file of that many; null for as fast as it goes.</summary>
    public double? RateFor(long flights) => Rate switch
    {
        0 => null,
        int given => given,
        null when Once => null,
        null => Math.Max(1, flights / DefaultSeconds),
    };

    /// <summary>Reads the command line. Null when there is nothing to run: <paramref name="exitCode"/> then says how to exit.</summary>
    public static Options? Parse(string[] args, out int exitCode)
    {
        Option<int?> rate = Number("--rate", "N", "Flights a second, 0 for as fast as it goes [default: the file in 20 s; with --once, 0]", 0, 10_000_000);
        Option<bool> once = new("--once") { Description = "Run to the end of the file, print a summary and a digest of all states, and exit" };
        Option<int?> kill = Number("--kill", "N", "Kill a silo N times on the way, at random points", 0, 1000);
        Option<int?> flush = Number("--flush-ms", "MS", "Make every journal flush take that much longer, so that a kill loses records", 0, 10_000);
        Option<StorageKind> storage = new("--storage") { Description = "What the state is kept in: local files, the emulator of Azure Blob Storage (installed on first use with npm), or Azure Blob Storage", HelpName = "files|azurite|azure" };
        Option<string?> connection = new("--connection") { Description = $"With --storage azure: a connection string, or the address of a container, which is then used with the identity at hand [default: ${ConnectionVariable}, where no list of processes shows it]", HelpName = "TEXT" };
        Option<DirectoryInfo> data = new("--data") { Description = "Keep the state here, and go on from there the next time [default: a temporary folder]", HelpName = "DIR" };
        Option<FileInfo> input = new("--input") { Description = "A JSON array of flights, or one per line [default: flights-20k.json of vega-datasets]", HelpName = "FILE" };
        Option<int?> port = Number("--port", "PORT", "The port of the page, on the loopback address, 0 for any [default: 5080; with --once, any]", 0, 65_535);
        Option<string?> urls = new("--urls") { Description = "Instead of --port: addresses to serve on, separated by semicolons", HelpName = "URLS" };
        input.AcceptExistingOnly();

        RootCommand command = new("Delays of US flights, by airport and by route, counted exactly once on three silos of one process, whatever is killed.")
        {
            rate, once, kill, flush, storage, connection, data, input, port, urls,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(port) is not null && result.GetResult(urls) is not null)
            {
                result.AddError("--port and --urls exclude each other.");
            }

            if (result.GetResult(connection) is not null && result.GetValue(storage) != StorageKind.Azure)
            {
                result.AddError("--connection goes with --storage azure.");
            }

            foreach (string url in result.GetValue(urls)?.Split(';') ?? [])
            {
                // Kestrel takes * and + for all addresses.
                if (!Uri.TryCreate(url.Replace("//*", "//host", StringComparison.Ordinal).Replace("//+", "//host", StringComparison.Ordinal), UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
                {
                    result.AddError($"--urls: '{url}' is not an address, such as http://127.0.0.1:5080.");
                }
            }
        });

        ParseResult parsed = command.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (string error in parsed.Errors.Select(e => e.Message))
            {
                Console.Error.WriteLine(error);
            }

            Console.Error.WriteLine();
            command.Parse("--help").Invoke(new InvocationConfiguration { Output = Console.Error });
            exitCode = 2;
            return null;
        }

        Options? options = null;
        command.SetAction(result => options = new Options
        {
            Once = result.GetValue(once),
            Rate = result.GetValue(rate),
            Kills = result.GetValue(kill) ?? 0,
            FlushDelay = TimeSpan.FromMilliseconds(result.GetValue(flush) ?? 0),
            Storage = result.GetValue(storage),
            Connection = result.GetValue(connection) ?? Environment.GetEnvironmentVariable(ConnectionVariable),
            Data = result.GetValue(data)?.FullName,
            Input = result.GetValue(input)?.FullName,
            Urls = result.GetValue(urls) ?? (result.GetValue(port) is { } given ? $"http://127.0.0.1:{given}" : null),
        });
        exitCode = parsed.Invoke();
        return options;
    }

    private static Option<int?> Number(string name, string helpName, string description, int low, int high) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            string given = result.Tokens.Single().Value;
            if (int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= low && value <= high)
            {
                return value;
            }

            result.AddError($"{name} is '{given}'; it must be a whole number from {low} to {high}.");
            return null;
        },
    };
}
