namespace OrleansStreaming.Topologies;

/// <summary>What streams, operators, sinks and sources may be called. Names end up in file names, blob names and addresses.</summary>
internal static class Names
{
    public const int MaxLength = 100;

    /// <summary>Names below it belong to the platform.</summary>
    public const string ReservedPrefix = "sys.";

    public const string InboxSuffix = ".inbox";

    public const string DeadLettersSuffix = ".deadletters";

    /// <summary>What is wrong with a name, or null.</summary>
    /// <param name="what">Such as <c>stream</c>.</param>
    /// <param name="name">The name.</param>
    public static string? Check(string what, string name)
    {
        string start = $"The name of {what} '{name}' ";
        if (name.Length is 0 or > MaxLength)
        {
            return $"{start}has {name.Length} characters: give it 1 to {MaxLength}.";
        }

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return $"{start}contains '{c}': use letters (a to z), digits, '.', '_' and '-'.";
            }
        }

        if (!char.IsAsciiLetterOrDigit(name[0]) || name[^1] == '.')
        {
            return $"{start}must start with a letter or a digit and must not end with '.'.";
        }

        if (name.StartsWith(ReservedPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return $"{start}starts with '{ReservedPrefix}', which is reserved: choose another one.";
        }

        return null;
    }

    /// <summary>What is wrong with the name of a stream that a user declares, or null.</summary>
    public static string? CheckStream(string name)
    {
        foreach (string suffix in (ReadOnlySpan<string>)[InboxSuffix, DeadLettersSuffix])
        {
            if (name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return $"The name of stream '{name}' ends with '{suffix}', which is reserved for streams that operators get by themselves: choose another one.";
            }
        }

        return Check("stream", name);
    }

    /// <summary>The name most like a misspelt one, or null when none is near.</summary>
    public static string? MostLike(string name, IEnumerable<string> candidates)
    {
        (string? best, int bestDistance) = (null, Math.Max(2, name.Length / 3) + 1);
        foreach (string candidate in candidates)
        {
            int distance = Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < bestDistance)
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best;
    }

    // Levenshtein: how many letters must be inserted, removed or replaced.
    private static int Distance(string a, string b)
    {
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int[] current = new int[b.Length + 1];
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
            }

            previous = current;
        }

        return previous[b.Length];
    }
}
