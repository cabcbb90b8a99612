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

/// <summary>What waits at a gate, formatted only for those who read it.</summary>
/// <param name="Verb">What is done, such as "swap".</param>
/// <param name="Target">To what, such as "partitions/in-0".</param>
/// <param name="From">The first LSN or number; below 0 for none.</param>
/// <param name="To">The last; below 0 for none.</param>
internal readonly record struct GateName(string Verb, string Target = "", long From = -1, long To = -1)
{
    public override string ToString() => $"{Verb}{(Target.Length > 0 ? " " : "")}{Target}{(From >= 0 ? $" {From}" : "")}{(To >= 0 ? $"..{To}" : "")}";
}

/// <summary>An operation that has been asked for and has not taken effect.</summary>
internal abstract class Gate(SimulatedSilo owner, GateKind kind, GateName what)
{
    public SimulatedSilo Owner { get; } = owner;

    public GateKind Kind { get; } = kind;

    public GateName What { get; } = what;

    /// <summary>What a crash may leave of it: so many thousandths. Null when it takes effect as a whole or not at all.</summary>
    public Action<int>? Tear { get; init; }

    /// <summary>It was answered with an error, and takes effect all the same.</summary>
    public bool Late { get; set; }

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
internal sealed class Gate<T>(SimulatedSilo owner, GateKind kind, GateName what, Func<T> effect) : Gate(owner, kind, what)
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
