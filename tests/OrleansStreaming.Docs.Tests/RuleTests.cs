using System.Text.RegularExpressions;

namespace OrleansStreaming.Docs.Tests;

/// <summary>Every rule of the protocol that the page names can be broken, and the page says by which mutant and where that is noticed.</summary>
public sealed partial class RuleTests
{
    [Fact]
    public void Every_rule_and_invariant_has_its_mutants_and_every_mutant_its_rule()
    {
        (string Rule, string Mutant, string Scenario)[] described = [.. Described()];
        described.Select(d => d.Rule).Distinct().Count().ShouldBeGreaterThan(40);
        described.Select(d => (d.Rule, d.Mutant)).Order().ShouldBe(Mutants().Select(m => (m.Rule, m.Name)).Order());
        string[] invariants = [.. Repository.Page("docs/protocol.md").Table("Invariants").Select(r => r[0])];
        invariants.Length.ShouldBe(9);
        invariants.ShouldBeSubsetOf(described.Select(d => d.Rule));
    }

    [Fact]
    public void Every_mutant_is_run_in_the_scenario_that_the_page_names()
    {
        Dictionary<string, string> planned = Plan().Matches(Repository.Sources("tests/OrleansStreaming.Simulation")).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        string catalog = Repository.Sources("src/OrleansStreaming.Testing/Simulation/Scenarios");
        planned.Count.ShouldBeGreaterThan(10);
        foreach ((_, string mutant, string scenario) in Described())
        {
            scenario.ShouldBe(planned.GetValueOrDefault(mutant, "random"), mutant);
            catalog.ShouldContain($"new(\"{scenario}\"", Case.Sensitive, mutant);
        }
    }

    /// <summary>The switches in the sources.</summary>
    internal static IEnumerable<(string Rule, string Name)> Mutants() =>
        Switch().Matches(Repository.Sources("src/OrleansStreaming.Core/Diagnostics") + Repository.Sources("src/OrleansStreaming.Testing/Simulation"))
            .Select(m => (m.Groups[1].Value, m.Groups[2].Value));

    /// <summary>The rows of both tables of the page: a rule has one mutant, an invariant has some.</summary>
    private static IEnumerable<(string Rule, string Mutant, string Scenario)> Described()
    {
        foreach (string line in Repository.Page("docs/protocol.md").Text.Split('\n').Where(l => l.StartsWith("| **[", StringComparison.Ordinal)))
        {
            string rule = Name().Match(line).Groups[1].Value;
            string[] words = [.. Code().Matches(line).Select(m => m.Groups[1].Value)];
            (words.Length % 2).ShouldBe(0, line);
            for (int i = 0; i < words.Length; i += 2)
            {
                yield return (rule, words[i], words[i + 1]);
            }
        }
    }

    [GeneratedRegex(@"\[Breaks\(""(\w+)""\)\]\s+public static readonly bool (\w+) ")]
    private static partial Regex Switch();

    [GeneratedRegex(@"\[""(\w+)""\] = ""([\w-]+)""")]
    private static partial Regex Plan();

    [GeneratedRegex(@"\*\*\[(\w+)\]\*\*")]
    private static partial Regex Name();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
