namespace OrleansStreaming;

/// <summary>The topology does not fit what the deployment has stored. Nothing was changed.</summary>
public sealed class DeploymentMismatchException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="differences">What is stored, what was declared, and what to do about it.</param>
    public DeploymentMismatchException(IReadOnlyList<string> differences)
        : base(Format(differences)) => Differences = differences;

    /// <summary>What is stored, what was declared, and what to do about it; one entry each.</summary>
    public IReadOnlyList<string> Differences { get; }

    private static string Format(IReadOnlyList<string> differences) =>
        "The topology does not match the stored deployment:"
        + string.Concat(differences.Select(d => Environment.NewLine + "- " + d));
}
