using System.Reflection;
using OrleansStreaming.Core;
using OrleansStreaming.Testing.Simulation;

/// <summary>A planted bug: a rule of the protocol that is broken when its switch is on.</summary>
/// <param name="Name">The switch.</param>
/// <param name="Rule">The rule or invariant of docs/protocol.md that it breaks.</param>
/// <param name="Scenario">The scenario that notices it soonest.</param>
internal sealed record Mutant(string Name, string Rule, string Scenario)
{
    /// <summary>Where chance alone would take hundreds of seeds.</summary>
    private static readonly Dictionary<string, string> Directed = new()
    {
        ["CommitUnstable"] = "commit-races",
        ["FireTwice"] = "commit-races",
        ["HeedFloorEarly"] = "commit-races",
        ["StayBehind"] = "commit-races",
        ["AnnounceEarly"] = "dead-commits",
        ["AnnounceBeforeRepeats"] = "forgotten-repeats",
        ["RetryFlush"] = "failed-flushes",
        ["DecideAgain"] = "flaky-replay",
        ["TakeOldAcknowledgements"] = "late-acknowledgements",
        ["IgnoreSealVersion"] = "late-seals",
        ["GoBack"] = "late-sink-writes",
        ["WriteAnywhere"] = "late-sink-writes",
        ["SwapAnyVersion"] = "late-swaps",
        ["MoveUnsent"] = "loose-sends",
        ["KeepLostTurns"] = "loose-turns",
        ["FireBare"] = "lost-speculation",
        ["KeepVoidNames"] = "lost-speculation",
        ["LeaveOutBare"] = "lost-speculation",
        ["PruneUnstable"] = "lost-speculation",
        ["SkipEmptySlots"] = "lost-speculation",
        ["TableUnstable"] = "lost-speculation",
        ["TakeOrphans"] = "lost-speculation",
        ["KeepOrphanedTurns"] = "lost-turns",
        ["ResumeReleased"] = "moves-back",
        ["LetSleep"] = "sleepers",
        ["CountDeadOwners"] = "stop-at-start",
        ["GiveUpBeforeAllRest"] = "stop-and-die",
        ["MoveWhileAllStop"] = "stop-together",
        ["PlaceOnLeaving"] = "stop-together",
        ["TakeFromSealed"] = "unheard",
        ["TakeGaps"] = "unheard",
        ["WriteBlindly"] = "unheard",
        ["AcknowledgeRepeats"] = "unstable-history",
        ["ReplayUnstable"] = "unstable-history",
    };

    public static IReadOnlyList<Mutant> All { get; } =
        [.. new[] { typeof(Mutations), typeof(SimulationMutations) }
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public))
            .Select(f => (f.Name, Breaks: f.GetCustomAttribute<BreaksAttribute>()))
            .Where(f => f.Breaks is not null)
            .Select(f => new Mutant(f.Name, f.Breaks!.Rule, Directed.GetValueOrDefault(f.Name, ScenarioCatalog.Random.Name)))];

    /// <summary>Breaks the rule in this process, for good: the switches are read once, when the first schedule begins.</summary>
    /// <returns>Whether there is such a mutant.</returns>
    public static bool SwitchOn(string name)
    {
        AppContext.SetSwitch(BreaksAttribute.SwitchPrefix + name, true);
        return All.Any(m => m.Name == name);
    }
}
