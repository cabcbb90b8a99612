namespace OrleansStreaming.Testing.Simulation;

/// <summary>What an operation that waits at a gate belongs to.</summary>
internal enum GateKind
{
    Storage,
    Append,
    Confirm,
    Sink,
    Call,
    Turn,
}

/// <summary>An operation that has been asked for and has not taken effect.</summary>
internal abstract class Gate(SimulatedSilo owner, GateKind kind, string what)
{
    public SimulatedSilo Owner { get; } = owner;

    public GateKind Kind { get; } = kind;

    public string What { get; } = what;

    /// <summary>Takes effect and answers.</summary>
    public abstract void Pass();

    /// <summary>Takes effect though nobody waits for the answer.</summary>
    public abstract void PassUnseen();

    /// <summary>Takes no effect, and answers with an error.</summary>
    public abstract void Refuse(Exception error);

    /// <summary>Takes effect, but answers with an error.</summary>
    public abstract void PassAndRefuse(Exception error);
}

/// <inheritdoc/>
internal sealed class Gate<T>(SimulatedSilo owner, GateKind kind, string what, Func<T> effect) : Gate(owner, kind, what)
{
    private readonly TaskCompletionSource<T> _answer = new();

    public Task<T> Task => _answer.Task;

    public override void Pass()
    {
        T result;
        try
        {
            result = effect();
        }
        catch (Exception e)
        {
            _answer.SetException(Seen(e));
            return;
        }

        _answer.SetResult(result);
    }

    public override void PassUnseen()
    {
        try
        {
            effect();
        }
        catch (Exception e)
        {
            Seen(e);
        }
    }

    public override void Refuse(Exception error) => _answer.SetException(error);

    public override void PassAndRefuse(Exception error)
    {
        PassUnseen();
        _answer.SetException(error);
    }

    private Exception Seen(Exception error)
    {
        if (error is SimulationException simulation)
        {
            Owner.World.Fail(simulation.Invariant, simulation.Message);
        }

        return error;
    }
}
