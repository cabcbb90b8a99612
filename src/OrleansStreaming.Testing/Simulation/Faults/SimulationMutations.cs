using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Promises of storage, sinks and the engine that the simulator can break, as <see cref="Mutations"/> breaks Core's rules.</summary>
internal static class SimulationMutations
{
    /// <summary>A sealed journal takes appends.</summary>
    [Breaks("I6")]
    public static readonly bool NoFence = IsOn(nameof(NoFence));

    /// <summary>A manifest is swapped when its owner is the one expected, in whatever version.</summary>
    [Breaks("ManVer")]
    public static readonly bool SwapAnyVersion = IsOn(nameof(SwapAnyVersion));

    /// <summary>A transactional sink takes a batch that does not start where it stands.</summary>
    [Breaks("SinkCas")]
    public static readonly bool WriteAnywhere = IsOn(nameof(WriteAnywhere));

    /// <summary>A transactional sink that refuses a batch goes back to where that would have led.</summary>
    [Breaks("SinkFwd")]
    public static readonly bool GoBack = IsOn(nameof(GoBack));

    /// <summary>Those that stop together wait for those that stay.</summary>
    [Breaks("StopStay")]
    public static readonly bool AwaitWhoStays = IsOn(nameof(AwaitWhoStays));

    /// <summary>When nobody stays any more, partitions are placed on those, too, that hand theirs over and claim nothing.</summary>
    [Breaks("StopPlaces")]
    public static readonly bool PlaceOnLeaving = IsOn(nameof(PlaceOnLeaving));

    private static bool IsOn(string name) => AppContext.TryGetSwitch(BreaksAttribute.SwitchPrefix + name, out bool on) && on;
}
