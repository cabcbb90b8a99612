namespace OrleansStreaming.Testing.Simulation;

/// <summary>Tells operators of one class apart.</summary>
internal abstract class Slot
{
    private static readonly Type[] Slots =
        [typeof(Slot0), typeof(Slot1), typeof(Slot2), typeof(Slot3), typeof(Slot4), typeof(Slot5), typeof(Slot6), typeof(Slot7)];

    public static Type GrainType(SimulatedOperator op, bool textKeys) =>
        (op.Plain ? typeof(PlainGrain<,>) : typeof(ObjectGrain<,>)).MakeGenericType(textKeys ? typeof(string) : typeof(long), Slots[op.Slot]);

    public static int IndexOf(Type slot) => Array.IndexOf(Slots, slot);
}

internal sealed class Slot0 : Slot;

internal sealed class Slot1 : Slot;

internal sealed class Slot2 : Slot;

internal sealed class Slot3 : Slot;

internal sealed class Slot4 : Slot;

internal sealed class Slot5 : Slot;

internal sealed class Slot6 : Slot;

internal sealed class Slot7 : Slot;
