namespace OrleansStreaming.Testing.Simulation;

/// <summary>A rule did not hold.</summary>
internal sealed class SimulationException(string invariant, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Such as I3.</summary>
    public string Invariant { get; } = invariant;
}
