namespace OrleansStreaming.Testing.Simulation;

/// <summary>What simulated operators get of the world that they run in.</summary>
internal interface IGrainWorld
{
    int Keys { get; }

    SimulatedOperator Operator(int slot);

    /// <summary>Throws where an operator shall, for a while.</summary>
    void PerhapsThrow(int slot, Offset offset, ulong eventId);

    /// <summary>Null to go on at once, or what to wait for.</summary>
    Task? PerhapsWait(int slot);

    /// <summary>A call's answer: another one for every attempt.</summary>
    Task<ulong> Answer(ulong request);
}
