namespace OrleansStreaming.Benchmarks;

/// <summary>Counts and sums by key; says so on every 1,000th event.</summary>
internal sealed class Totals : OperatorGrain<long, Tally>, IConsume<Input>
{
    public const int OutputEvery = 1000;

    public ValueTask OnEvent(Input input, EventContext context)
    {
        ref Tally tally = ref State;
        tally.Count++;
        tally.Sum += input.Amount;
        if (input.Number % OutputEvery == 0)
        {
            context.Emit("outputs", new Output { Key = Key, Number = input.Number, Count = tally.Count, Sum = tally.Sum });
        }

        return default;
    }
}
