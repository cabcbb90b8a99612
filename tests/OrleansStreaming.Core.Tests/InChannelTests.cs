using OrleansStreaming.Core;

namespace OrleansStreaming.Core.Tests;

public class InChannelTests
{
    [Fact]
    public void A_number_is_acknowledged_when_it_and_all_before_it_are_durable()
    {
        var channel = new InChannel();
        channel.Took(1, 5);
        channel.Took(2, 0);
        channel.Took(3, 6);
        channel.Advance(4);
        channel.DurableNumber.ShouldBe(0);
        channel.Advance(5);
        channel.DurableNumber.ShouldBe(2);
        channel.Advance(6);
        channel.DurableNumber.ShouldBe(3);
        channel.Next.ShouldBe(4);
    }
}
