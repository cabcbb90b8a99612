namespace OrleansStreaming.Testing;

/// <summary>A storage does not keep a clause of the contract.</summary>
/// <param name="caseName">The case that found it.</param>
/// <param name="clause">What must hold.</param>
/// <param name="expected">What should have come.</param>
/// <param name="found">What came.</param>
/// <param name="inner">What was thrown, if anything was.</param>
public sealed class StorageConformanceException(string caseName, string clause, string expected, string found, Exception? inner = null)
    : Exception($"{caseName}: {clause}{Environment.NewLine}  expected: {expected}{Environment.NewLine}  found:    {found}", inner)
{
    /// <summary>The case that found it.</summary>
    public string CaseName { get; } = caseName;

    /// <summary>What must hold.</summary>
    public string Clause { get; } = clause;
}
