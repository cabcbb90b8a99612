using System.Globalization;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// A smaller version of a schedule: fewer steps, silos, keys and events, without faults of some kinds or some single ones.
/// Its text goes with a seed to run it again.
/// </summary>
internal sealed record Reduction
{
    public static readonly Reduction None = new();

    /// <summary>Actions with faults.</summary>
    public int? Steps { get; init; }

    public int? Silos { get; init; }

    public int? Keys { get; init; }

    /// <summary>Events from outside.</summary>
    public int? Events { get; init; }

    public IReadOnlySet<FaultKind> Without { get; init; } = new HashSet<FaultKind>();

    /// <summary>Numbers of single faults that do not happen.</summary>
    public IReadOnlySet<int> Skip { get; init; } = new HashSet<int>();

    public bool Silences(FaultKind kind, int number) => Without.Contains(kind) || Skip.Contains(number);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is not such a text.</exception>
    public static Reduction Parse(string text)
    {
        Reduction reduction = None;
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=', 2);
            string value = pair.Length == 2 ? pair[1] : throw new FormatException($"'{part}' has no value");
            reduction = pair[0] switch
            {
                "steps" => reduction with { Steps = Number(value) },
                "silos" => reduction with { Silos = Number(value) },
                "keys" => reduction with { Keys = Number(value) },
                "events" => reduction with { Events = Number(value) },
                "without" => reduction with { Without = value.Split('+').Select(Kind).ToHashSet() },
                "skip" => reduction with { Skip = value.Split('+').SelectMany(Range).ToHashSet() },
                _ => throw new FormatException($"a reduction has no '{pair[0]}'; it has steps, silos, keys, events, without and skip"),
            };
        }

        return reduction;
    }

    public override string ToString()
    {
        var parts = new List<string>();
        void Add(string name, int? value)
        {
            if (value is { } number)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={number}"));
            }
        }

        Add("steps", Steps);
        Add("silos", Silos);
        Add("keys", Keys);
        Add("events", Events);
        if (Without.Count > 0)
        {
            parts.Add($"without={string.Join('+', Without.Order())}");
        }

        if (Skip.Count > 0)
        {
            parts.Add($"skip={string.Join('+', Ranges([.. Skip.Order()]))}");
        }

        return string.Join(',', parts);
    }

    /// <summary>Such as 3, or 5-9.</summary>
    private static IEnumerable<int> Range(string text)
    {
        int[] ends = [.. text.Split('-', 2).Select(Number)];
        return Enumerable.Range(ends[0], Math.Max(0, ends[^1] - ends[0] + 1));
    }

    private static IEnumerable<string> Ranges(int[] numbers)
    {
        for (int from = 0, to; from < numbers.Length; from = to + 1)
        {
            to = from;
            while (to + 1 < numbers.Length && numbers[to + 1] == numbers[to] + 1)
            {
                to++;
            }

            yield return from == to ? $"{numbers[from]}" : $"{numbers[from]}-{numbers[to]}";
        }
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"'{text}' is not a number");

    private static FaultKind Kind(string text) =>
        Enum.TryParse(text, out FaultKind kind) && Enum.IsDefined(kind) ? kind : throw new FormatException($"'{text}' is no kind of fault; they are {string.Join(", ", Enum.GetNames<FaultKind>())}");
}
