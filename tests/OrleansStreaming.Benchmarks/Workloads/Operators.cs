namespace OrleansStreaming.Benchmarks;

/// <summary>Counts and sums by key; says so on every 1,000th event.</summary>
internal sealed class Totals<TKey, TEvent> : OperatorGrain<TKey, Tally>, IConsume<TEvent>
    where TKey : notnull
    where TEvent : IInput<TEvent>
{
    public ValueTask OnEvent(TEvent input, EventContext context)
    {
        ref Tally tally = ref State;
        tally.Count++;
        tally.Sum += input.Amount;
        if (input.Number % Pipeline.OutputEvery == 0)
        {
            context.Emit(Pipeline.Outputs, new Output { Key = input.Key, Number = input.Number, Count = tally.Count, Sum = tally.Sum });
        }

        return default;
    }
}

/// <summary>Counts and sums by key, and passes every event on under another key.</summary>
internal sealed class Forward<TKey, TEvent> : OperatorGrain<TKey, Tally>, IConsume<TEvent>
    where TKey : notnull
    where TEvent : IInput<TEvent>
{
    public ValueTask OnEvent(TEvent input, EventContext context)
    {
        ref Tally tally = ref State;
        tally.Count++;
        tally.Sum += input.Amount;
        context.Emit(Pipeline.StreamAfter(context.Stream), input.Rekeyed());
        return default;
    }
}

/// <summary>Counts and sums by key, and says nothing.</summary>
internal sealed class Silent : OperatorGrain<long, Tally>, IConsume<Input>
{
    public ValueTask OnEvent(Input input, EventContext context)
    {
        State.Count++;
        State.Sum += input.Amount;
        return default;
    }
}
