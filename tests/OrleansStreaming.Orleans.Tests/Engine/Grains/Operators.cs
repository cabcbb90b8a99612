using System.Collections.Concurrent;

namespace OrleansStreaming.Clustering.Tests.Grains;

public sealed record Reading(string Meter, int Number);

/// <summary>Where turns ran, and what holds them up. A service of each silo of a test.</summary>
internal sealed class Turns
{
    /// <summary>The grain in whose activation a turn of a key ran, as Orleans says; null for none.</summary>
    public ConcurrentQueue<(string Key, string? Grain)> Ran { get; } = new();

    /// <summary>The turn of the event with this number waits for <see cref="Gate"/>.</summary>
    public int HeldNumber { get; set; } = -1;

    /// <summary>The turn of the event with this number waits for <see cref="Gate"/> and keeps its thread.</summary>
    public int BlockedNumber { get; set; } = -1;

    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Counts, waits where a test says so, and notes in which grain it ran, before and after.</summary>
internal sealed class Meter(Turns turns, IGrainContextAccessor context) : OperatorGrain<Tally>, IConsume<Reading>
{
    public async ValueTask OnEvent(Reading reading, EventContext turn)
    {
        Note();
        long before = State.Count;
        if (reading.Number == turns.BlockedNumber)
        {
            turns.Entered.TrySetResult();
            turns.Gate.Task.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
        }

        if (reading.Number == turns.HeldNumber)
        {
            turns.Entered.TrySetResult();
            await turns.Gate.Task;
            Note();
        }

        State.Count = before + 1;
        State.Sum += reading.Number;
    }

    private void Note() => turns.Ran.Enqueue((Key, context.GrainContext?.GrainId.ToString()));
}

/// <summary>Throws on every tenth number, yields in the middle of the others, and counts what it could take.</summary>
internal sealed class Moody : OperatorGrain<PageState>, IConsume<Reading>
{
    public async ValueTask OnEvent(Reading reading, EventContext context)
    {
        State.Count++;
        await Task.Yield();
        if (reading.Number % 10 == 3)
        {
            throw new InvalidOperationException("never liked it");
        }

        State.Sum += reading.Number;
    }
}

/// <summary>Sets a timer for each event, and counts those that come.</summary>
internal sealed class Alarmed : OperatorGrain<Tally>, IConsume<Reading>, IOnTimer
{
    public ValueTask OnEvent(Reading reading, EventContext context)
    {
        State.Count++;
        context.SetTimer($"t{reading.Number}", TimeSpan.FromMilliseconds(20));
        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context)
    {
        State.Sum++;
        return default;
    }
}

/// <summary>A grain of the application.</summary>
public interface ITariffGrain : IGrainWithStringKey
{
    Task<int> PriceAsync(int number);
}

public sealed class TariffGrain : Grain, ITariffGrain
{
    public async Task<int> PriceAsync(int number)
    {
        await Task.Delay(1);
        return number * 3;
    }
}

public sealed record PriceOf(int Number);

/// <summary>Asks another grain for the price of each reading.</summary>
internal sealed class Billed(IGrainFactory grains) : OperatorGrain<Tally>, IConsume<Reading>, ICall<PriceOf, int>
{
    public ValueTask OnEvent(Reading reading, EventContext context)
    {
        State.Count++;
        context.Call(new PriceOf(reading.Number));
        return default;
    }

    public async ValueTask<int> Call(PriceOf request, CancellationToken cancellationToken) =>
        await grains.GetGrain<ITariffGrain>($"hour{request.Number % 24}").PriceAsync(request.Number);

    public ValueTask OnResult(PriceOf request, CallResult<int> price, EventContext context)
    {
        State.Sum += price.Value;
        return default;
    }
}
