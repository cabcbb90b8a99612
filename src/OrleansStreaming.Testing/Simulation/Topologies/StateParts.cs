namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// What of a state seldom changes: a turn changes one part, to one of few values. So states of different times have parts in
/// common, and parts come back to what they were; a change that is applied to another state than it was made from shows.
/// </summary>
/// <remarks>Each part takes eight bytes, so that two that change are two changes and not one.</remarks>
internal record struct StateParts(long First, long Second, long Third, long Fourth)
{
    public const int Count = 4;
    public const int Values = 3;

    public readonly int this[int part] => (int)(part switch { 0 => First, 1 => Second, 2 => Third, _ => Fourth });

    public readonly StateParts With(int part, int value) => part switch
    {
        0 => this with { First = value },
        1 => this with { Second = value },
        2 => this with { Third = value },
        _ => this with { Fourth = value },
    };
}
