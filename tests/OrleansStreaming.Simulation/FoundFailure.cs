using System.Text.RegularExpressions;

/// <summary>A run that failed, as it is printed: with the command that repeats it.</summary>
/// <param name="Run">What to repeat, such as "--trace 17".</param>
/// <param name="Invariant">What did not hold, such as I3.</param>
internal sealed partial record FoundFailure(string Run, string Invariant)
{
    private const string Command = "dotnet run -c Release --project tests/OrleansStreaming.Simulation --";
    private const int MaxMessage = 400;

    /// <summary>The line to print.</summary>
    /// <param name="arguments">What repeats it.</param>
    /// <param name="invariant">What did not hold.</param>
    /// <param name="message">What happened.</param>
    public static string Line(string arguments, string invariant, string message)
    {
        message = message.ReplaceLineEndings(" ");
        return $"{Command} {arguments}    {invariant}: {(message.Length > MaxMessage ? message[..MaxMessage] : message)}";
    }

    /// <summary>Reads such a line; null when it is another one, or when what failed was the simulator itself.</summary>
    public static FoundFailure? TryParse(string line) =>
        Pattern().Match(line) is { Success: true } match ? new FoundFailure(match.Groups[1].Value, match.Groups[2].Value) : null;

    // A silo that stops itself has noticed by a check of its own.
    [GeneratedRegex(@" -- (--trace \d+|--exhaust \S+ --crash \S+).*?    (I\d|stop): ")]
    private static partial Regex Pattern();
}
