namespace OrleansStreaming;

/// <summary>The declared streams, operators, sinks and sources do not fit together. Lists everything that is wrong at once.</summary>
public sealed class TopologyException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="mistakes">What is wrong, where, and what to do about it.</param>
    public TopologyException(IReadOnlyList<string> mistakes)
        : base(Format(mistakes)) => Mistakes = mistakes;

    /// <summary>What is wrong, where, and what to do about it; one entry each.</summary>
    public IReadOnlyList<string> Mistakes { get; }

    private static string Format(IReadOnlyList<string> mistakes) => mistakes.Count == 1
        ? "The topology has a mistake: " + mistakes[0]
        : $"The topology has {mistakes.Count} mistakes:" + string.Concat(mistakes.Select(m => Environment.NewLine + "- " + m));
}
