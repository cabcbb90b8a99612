namespace OrleansStreaming.Testing;

/// <summary>
/// The contract of <see cref="Core.IStorage"/> as cases that every storage must pass. Bound to no test framework: a theory
/// runs each case of <see cref="For"/> on a new <see cref="IStorageUnderTest"/>.
/// </summary>
public static class StorageConformance
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<StorageConformanceCase> Cases { get; } =
    [
        .. AppendingCases.All,
        .. ReadingCases.All,
        .. SealingCases.All,
        .. FencingCases.All,
        .. CrashCases.All,
        .. TrimmingCases.All,
        .. RecordCases.All,
        .. RunCases.All,
        .. RunListCases.All,
        .. NameCases.All,
        .. CancellationCases.All,
        .. DisposalCases.All,
        .. LostAnswerCases.All,
    ];

    /// <summary>The cases that a storage with some abilities can be put to.</summary>
    /// <param name="abilities">The abilities.</param>
    public static IEnumerable<StorageConformanceCase> For(StorageAbilities abilities) => Cases.Where(c => (c.Needs & ~abilities) == StorageAbilities.None);

    /// <summary>A case by its name.</summary>
    /// <param name="name">The name.</param>
    public static StorageConformanceCase Find(string name) => Cases.Single(c => c.Name == name);
}
