namespace OrleansStreaming.Core;

/// <summary>Copies of states that are plain memory, numbered as the entries of an <see cref="UndoLog"/>.</summary>
internal abstract class StateCopies
{
    /// <summary>Copies what <see cref="OperatorType.SaveState"/> has kept.</summary>
    public abstract void Take(long number);

    /// <summary>Puts a copy into a grain.</summary>
    public abstract void Restore(long number, OperatorGrain? grain);

    /// <summary>Gives a copy another number.</summary>
    public abstract void Move(long from, long to);

    /// <inheritdoc cref="Ring{T}.Resize"/>
    public abstract void Resize(int capacity, long first, long end);
}

/// <summary>Copies of no state at all.</summary>
internal sealed class CopiesOfNothing : StateCopies
{
    public override void Take(long number)
    {
    }

    public override void Restore(long number, OperatorGrain? grain)
    {
    }

    public override void Move(long from, long to)
    {
    }

    public override void Resize(int capacity, long first, long end)
    {
    }
}
