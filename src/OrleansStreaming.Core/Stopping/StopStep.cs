namespace OrleansStreaming.Core;

/// <summary>
/// A step of a graceful stop. A silo takes one after the other; each again and again, until it is done. The engine says who
/// stops with whom, and carries the news of who has come how far.
/// </summary>
/// <param name="What">What is done, for people.</param>
/// <param name="Take">Goes on with it. True when it is done.</param>
/// <param name="Meets">The stage that has then been reached: none that stops together goes on before all have. <see cref="StopStage.Working"/> where nobody waits for others.</param>
/// <param name="IsLast">A silo that ends from here on is not to be started again.</param>
internal sealed record StopStep(string What, Func<Silo, bool> Take, StopStage Meets = StopStage.Working, bool IsLast = true)
{
    private static readonly StopStep GiveUp = new("give up the partitions", static silo => silo.ReleaseAll());

    private static readonly StopStep Seal = new("seal the journals", static silo => silo.SealOwnJournal());

    /// <summary>Others stay, and take over whatever it is that is given up.</summary>
    public static IReadOnlyList<StopStep> WhereOthersStay { get; } = [GiveUp, Seal];

    /// <summary>Nobody stays: what is given up has no owner before the next start, so that nobody may still want one.</summary>
    public static IReadOnlyList<StopStep> WhereNobodyStays { get; } =
    [
        new("process what there is", static silo => silo.HasFinished(), StopStage.Quiet, IsLast: false),
        new("checkpoint", static silo => silo.CheckpointAll(), IsLast: false),
        new("stop all turns", static silo => silo.StopTurns(), Mutations.GiveUpBeforeAllRest ? StopStage.Working : StopStage.Resting),
        GiveUp,
        Seal,
    ];
}
