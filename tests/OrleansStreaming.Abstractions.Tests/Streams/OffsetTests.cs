namespace OrleansStreaming.Abstractions.Tests.Streams;

public class OffsetTests
{
    [Theory]
    [InlineData(0, 0, "0.0")]
    [InlineData(3, 120, "3.120")]
    [InlineData((1 << 23) - 1, (1L << 40) - 1, "8388607.1099511627775")]
    public void Offsets_are_text_and_back(int epoch, long number, string text)
    {
        Offset offset = new(epoch, number);
        offset.ToString().ShouldBe(text);
        Offset.TryParse(text, out Offset parsed).ShouldBeTrue();
        parsed.ShouldBe(offset);
        parsed.Epoch.ShouldBe(epoch);
        parsed.Number.ShouldBe(number);
    }

    [Fact]
    public void None_is_before_everything()
    {
        (Offset.None < new Offset(0, 0)).ShouldBeTrue();
        Offset.None.ToString().ShouldBe("-");
        Offset.TryParse("-", out Offset parsed).ShouldBeTrue();
        parsed.ShouldBe(Offset.None);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.")]
    [InlineData("1.2.3")]
    [InlineData("-1.2")]
    [InlineData("1.-2")]
    [InlineData("8388608.0")]
    [InlineData("0.1099511627776")]
    public void Other_text_is_refused(string? text) => Offset.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void Epochs_order_before_numbers()
    {
        (new Offset(1, 1000) < new Offset(2, 0)).ShouldBeTrue();
        (new Offset(2, 0) > new Offset(1, 1000)).ShouldBeTrue();
        (new Offset(2, 0) >= new Offset(2, 0)).ShouldBeTrue();
        (new Offset(2, 0) <= new Offset(2, 0)).ShouldBeTrue();
    }
}
