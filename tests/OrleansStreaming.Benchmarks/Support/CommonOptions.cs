using System.CommandLine;
using System.Globalization;

namespace OrleansStreaming.Benchmarks;

/// <summary>What every scenario can be told.</summary>
internal sealed class CommonOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object as the last line" };
    private readonly Option<DirectoryInfo> _data = new("--data") { Description = "Work in a new folder below this one; it is deleted at the end [default: the folder for temporary files]", HelpName = "DIR" };
    private readonly Option<int> _seed = Number("--seed", "S", "What keys and amounts are drawn from", 1, 0, int.MaxValue);
    private readonly Option<int> _runs;
    private readonly Option<string>? _storage;

    private CommonOptions(int runs, bool blobs)
    {
        _runs = Number("--runs", "N", "Repetitions; the figures are medians", runs, 1, 1000);
        _storage = blobs ? Word("--storage", "What the state is kept in: files, or blobs of Azurite, the emulator", "files", "azurite") : null;
    }

    /// <summary>Gives a scenario the options that all have.</summary>
    /// <param name="command">The scenario.</param>
    /// <param name="runs">How often it is repeated unless told otherwise.</param>
    /// <param name="blobs">Whether it can run on Azurite.</param>
    public static CommonOptions AddTo(Command command, int runs = 5, bool blobs = false)
    {
        CommonOptions options = new(runs, blobs);
        command.Add(options._json);
        command.Add(options._data);
        command.Add(options._seed);
        command.Add(options._runs);
        if (options._storage is not null)
        {
            command.Add(options._storage);
        }

        return options;
    }

    /// <summary>A whole number with a range, and its default in the help.</summary>
    public static Option<int> Number(string name, string helpName, string description, int otherwise, int low, int high) => new(name)
    {
        Description = description,
        HelpName = helpName,
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            string given = result.Tokens.Single().Value;
            if (int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= low && value <= high)
            {
                return value;
            }

            result.AddError($"{name} is '{given}'; it must be a whole number from {low} to {high}.");
            return otherwise;
        },
    };

    /// <summary>One of several words.</summary>
    public static Option<string> Word(string name, string description, params string[] words)
    {
        Option<string> option = new(name) { Description = description, DefaultValueFactory = _ => words[0] };
        option.AcceptOnlyFromAmong(words);
        return option;
    }

    public Common Read(ParseResult result) => new(result.GetValue(_json), result.GetValue(_data)?.FullName, result.GetValue(_seed), result.GetValue(_runs), _storage is not null && result.GetValue(_storage) == "azurite");
}

/// <summary>See <see cref="CommonOptions"/>.</summary>
internal sealed record Common(bool Json, string? Data, int Seed, int Runs, bool OnAzurite);
