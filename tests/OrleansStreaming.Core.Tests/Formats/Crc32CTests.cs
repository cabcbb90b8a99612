namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>The checksum against its definition, bit by bit.</summary>
public class Crc32CTests
{
    [Fact]
    public void The_known_check_value_comes_out() => Crc32C.Compute("123456789"u8).ShouldBe(0xE3069283);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(3071)]
    [InlineData(3072)]
    [InlineData(3073)]
    [InlineData(6144)]
    [InlineData(65_536)]
    [InlineData(100_003)]
    public void Any_length_has_the_sum_that_its_bits_have(int length)
    {
        byte[] bytes = new byte[length + 1];
        new Random(length).NextBytes(bytes);
        Crc32C.Compute(bytes.AsSpan(1)).ShouldBe(~ByBits(uint.MaxValue, bytes.AsSpan(1)));
    }

    [Fact]
    public void A_sum_goes_on_where_it_stopped()
    {
        byte[] bytes = new byte[20_000];
        new Random(1).NextBytes(bytes);
        uint whole = Crc32C.Append(uint.MaxValue, bytes);
        foreach (int cut in new[] { 0, 1, 8, 3072, 5000, 16_928, 20_000 })
        {
            Crc32C.Append(Crc32C.Append(uint.MaxValue, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)).ShouldBe(whole);
        }
    }

    private static uint ByBits(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            sum ^= b;
            for (int i = 0; i < 8; i++)
            {
                sum = (sum & 1) != 0 ? (sum >> 1) ^ 0x82F63B78 : sum >> 1;
            }
        }

        return sum;
    }
}
