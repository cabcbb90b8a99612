using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>A storage that breaks a clause, and the cases that must notice it.</summary>
internal sealed record Mutant(string Name, Func<IStorage, IStorage> Mutate, params string[] Cases)
{
    public static IReadOnlyList<Mutant> All { get; } = [.. JournalMutants.All, .. RecordMutants.All, .. RunMutants.All, .. OtherMutants.All];
}

/// <summary>Can the conformance kit fail?</summary>
public sealed class MutantTests
{
    public static TheoryData<string, string> Mutants
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (Mutant mutant in Mutant.All)
            {
                foreach (string name in mutant.Cases)
                {
                    rows.Add(mutant.Name, name);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public async Task A_broken_storage_is_noticed(string mutant, string name)
    {
        await using var storage = new MutantUnderTest(Mutant.All.Single(m => m.Name == mutant).Mutate);
        Exception noticed = await Should.ThrowAsync<Exception>(
            () => StorageConformance.Find(name).RunAsync(storage, TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
        (noticed is StorageConformanceException or ArgumentException or StorageException { Ambiguous: false }).ShouldBeTrue(noticed.ToString());
    }

    [Fact]
    public async Task What_the_mutants_are_made_of_is_not_broken()
    {
        foreach (StorageConformanceCase each in StorageConformance.Cases)
        {
            await using var storage = new MutantUnderTest(inner => inner);
            await each.RunAsync(storage, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Each_case_notices_a_mutant() =>
        StorageConformance.Cases.Select(c => c.Name).Except(Mutant.All.SelectMany(mutant => mutant.Cases)).ShouldBeEmpty();
}
