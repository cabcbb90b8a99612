using System.Buffers;

namespace OrleansStreaming.Core.Tests.Checkpoints;

public class DeltaLimitsTests
{
    private const int StateBytes = 32 << 10;
    private const int ChangedBytes = 32;

    /// <summary>What has changed can be told of states that take far more than the memory for that: by longer chunks, the more there are.</summary>
    [Theory]
    [InlineData(2, 100)]
    [InlineData(16, 400)]
    [InlineData(50, 1500)]
    public void What_has_changed_is_told_of_many_times_the_budget(int timesBudget, int mostPerDelta)
    {
        const int Budget = 1 << 17;
        var limits = new DeltaLimits(new SiloOptions { DeltaBudgetBytes = Budget });
        int states = timesBudget * (Budget / StateBytes);
        DeltaBase[] kept = [.. Enumerable.Range(0, states).Select(i => limits.KeepWhole(StateOf(i), 1).ShouldNotBeNull())];
        var output = new ArrayBufferWriter<byte>();
        for (int i = 0; i < states; i++)
        {
            byte[] state = StateOf(i);
            state.AsSpan(i % (StateBytes - ChangedBytes), ChangedBytes).Fill(200);
            limits.TryWriteDelta(kept[i], state, 2, output, out DeltaBase? next).ShouldBeTrue();
            limits.Release(kept[i]);
            kept[i] = next.ShouldNotBeNull();
        }

        (output.WrittenCount / states).ShouldBeInRange(ChangedBytes, mostPerDelta + 64);
        Array.ForEach(kept, limits.Release);
        limits.InUse.ShouldBeFalse();
    }

    [Fact]
    public void A_state_is_written_whole_when_much_has_changed_or_much_has_gathered()
    {
        var limits = new DeltaLimits(new SiloOptions());
        var output = new ArrayBufferWriter<byte>();
        DeltaBase kept = limits.KeepWhole(StateOf(0), 1).ShouldNotBeNull();
        limits.TryWriteDelta(kept, StateOf(1), 2, output, out DeltaBase? whole).ShouldBeFalse();
        whole.ShouldNotBeNull().DeltaBytes.ShouldBe(0);
        output.WrittenCount.ShouldBe(0);

        // Twice its bytes, written 8 KiB at a time.
        byte[] state = StateOf(0);
        for (int i = 0; i < 2 * StateBytes / (8 << 10); i++)
        {
            state.AsSpan(i % 4 * (8 << 10), 8 << 10).Fill((byte)(i + 1));
            bool isDelta = limits.TryWriteDelta(kept, state, i + 2, output, out DeltaBase? next);
            isDelta.ShouldBe(i < 7, $"{i}");
            kept = next ?? kept;
        }
    }

    [Fact]
    public void Of_small_states_and_without_memory_nothing_is_kept()
    {
        var limits = new DeltaLimits(new SiloOptions { DeltaFromBytes = StateBytes, DeltaBudgetBytes = 10_000 });
        limits.KeepWhole(StateOf(0).AsSpan(1), 1).ShouldBeNull();
        DeltaBase kept = limits.KeepWhole(StateOf(0), 1).ShouldNotBeNull();
        limits.TryWriteDelta(kept, StateOf(0).AsSpan(1), 2, new ArrayBufferWriter<byte>(), out DeltaBase? small).ShouldBeFalse();
        small.ShouldBeNull();
        while (limits.KeepWhole(StateOf(0), 1) is not null)
        {
        }

        limits.TryWriteDelta(kept, StateOf(0), 2, new ArrayBufferWriter<byte>(), out DeltaBase? next).ShouldBeTrue("there is always memory for what takes the place of another");
        next.ShouldNotBeNull();
    }

    private static byte[] StateOf(int number)
    {
        byte[] state = new byte[StateBytes];
        new Random(number).NextBytes(state);
        return state;
    }
}
