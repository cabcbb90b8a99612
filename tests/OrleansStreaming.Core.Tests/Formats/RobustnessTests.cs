using System.Text;

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>Records without a checksum of their own: their storage has one. Whatever they are given, their readers fail in one way only.</summary>
public class RobustnessTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void A_partition_manifest_is_reported_or_read(int seed) => Check(FormatSamples.Manifest(seed), FormatSamples.ReadManifest, seed);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_cluster_record_is_reported_or_read(int seed) => Check(FormatSamples.Cluster(seed), FormatSamples.ReadCluster, seed);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("rubbish")]
    [InlineData("""{"format":2}""")]
    [InlineData("""{"journals":null}""")]
    [InlineData("""{"journals":[null]}""")]
    [InlineData("""{"seals":[{"journal":0,"end":1}]}""")]
    public void Rubbish_is_called_so(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Should.Throw<CorruptDataException>(() => FormatSamples.ReadManifest(bytes)).File.ShouldBe("sample");
        if (!text.Contains("format", StringComparison.Ordinal))
        {
            Should.Throw<CorruptDataException>(() => FormatSamples.ReadCluster(bytes)).File.ShouldBe(ClusterRecord.RecordName);
        }
    }

    private static void Check(byte[] whole, Func<byte[], string> read, int seed)
    {
        read(whole).ShouldBe(Encoding.UTF8.GetString(whole));
        Damage.IsReportedOrRead(Damage.Of(whole), read).ShouldBeGreaterThan(whole.Length - 1, "every truncation, at least");
        Damage.IsReportedOrRead(Damage.Random(whole, seed, 2000), read).ShouldBeGreaterThan(0);
        Damage.IsReportedOrRead(Damage.OfValues(whole), read).ShouldBeGreaterThan(0);
    }
}
