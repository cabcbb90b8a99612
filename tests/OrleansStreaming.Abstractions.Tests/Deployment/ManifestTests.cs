using System.Text;
using OrleansStreaming.Topologies;
using static OrleansStreaming.Abstractions.Tests.Deployment.ManifestFixtures;

namespace OrleansStreaming.Abstractions.Tests.Deployment;

public class ManifestTests
{
    private const string Golden =
        """
        {
          "format": 1,
          "checksum": "d8e2b52f",
          "deployment": "test-1",
          "keyHash": "xxh64-1",
          "nextIds": {
            "stream": 4,
            "operator": 4,
            "sink": 2
          },
          "streams": [
            {
              "id": 1,
              "name": "flights",
              "keys": "string",
              "partitions": 4,
              "types": [
                {
                  "name": "OrleansStreaming.Abstractions.Tests.Flight",
                  "schemas": [
                    "json"
                  ]
                }
              ],
              "retired": false
            },
            {
              "id": 2,
              "name": "reports",
              "keys": "string",
              "partitions": 8,
              "types": [
                {
                  "name": "OrleansStreaming.Abstractions.Tests.Report",
                  "schemas": [
                    "json"
                  ]
                }
              ],
              "retired": false
            },
            {
              "id": 3,
              "name": "Both.inbox",
              "keys": "string",
              "partitions": 8,
              "types": [
                {
                  "name": "OrleansStreaming.Abstractions.Tests.Flight",
                  "schemas": [
                    "json"
                  ]
                },
                {
                  "name": "OrleansStreaming.Abstractions.Tests.Report",
                  "schemas": [
                    "json"
                  ]
                }
              ],
              "retired": false
            }
          ],
          "operators": [
            {
              "id": 1,
              "name": "Both<flights",
              "from": "flights",
              "state": null,
              "retired": false
            },
            {
              "id": 2,
              "name": "Both<reports",
              "from": "reports",
              "state": null,
              "retired": false
            },
            {
              "id": 3,
              "name": "Both",
              "from": "Both.inbox",
              "state": {
                "name": "OrleansStreaming.Abstractions.Tests.Stats",
                "schemas": [
                  "blittable:{Count=Int64@0,Sum=Double@8};16"
                ]
              },
              "retired": false
            }
          ],
          "sinks": [
            {
              "id": 1,
              "name": "reports.ConsoleSink",
              "from": "reports",
              "retired": false
            }
          ]
        }
        """;

    private static DeploymentManifest Sample() => DeploymentManifest.Create(
        Topology(b => b
            .Flights(s => s.Partitions(4)).Reports()
            .Operator<Both>(["flights", "reports"])
            .AddSink<ConsoleSink<Report>>("reports")),
        "test-1");

    [Fact]
    public void The_stored_form_is_pinned()
    {
        string text = Encoding.UTF8.GetString(Sample().ToBytes());
        text.ShouldBe(Golden.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void What_was_stored_is_read()
    {
        DeploymentManifest manifest = Sample();
        byte[] bytes = manifest.ToBytes();
        DeploymentManifest.Parse(bytes).ToBytes().ShouldBe(bytes);
        DeploymentManifest.Parse(bytes).Deployment.ShouldBe("test-1");
        DeploymentManifest.Parse(bytes).NextIds.ShouldBe(new NextIds(4, 4, 2));
    }

    [Fact]
    public void The_same_topology_changes_nothing()
    {
        DeploymentManifest manifest = Sample();
        Topology topology = Topology(b => b
            .AddSink<ConsoleSink<Report>>("reports")
            .Operator<Both>(["flights", "reports"])
            .Reports().Flights(s => s.Partitions(4)));
        manifest.Merge(topology, out IReadOnlyList<string> changes).ToBytes().ShouldBe(manifest.ToBytes());
        changes.ShouldBeEmpty();
        topology.Stream("flights").Id.ShouldBe(1);
        topology.Stream("reports").Id.ShouldBe(2);
        topology.Operator("Both").Id.ShouldBe(3);
        topology.Sinks[0].Id.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_truncation_and_every_flipped_bit_is_noticed(bool everything)
    {
        byte[] bytes = everything ? Sample().ToBytes() : Manifest(b => b.Flights()).ToBytes();
        for (int length = 0; length < bytes.Length; length++)
        {
            Should.Throw<FormatException>(() => DeploymentManifest.Parse(bytes.AsSpan(0, length)), $"cut at {length}");
        }

        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Exception? e = Record.Exception(() => DeploymentManifest.Parse(flipped));

            // Another white space, or another case where case does not matter, says the same.
            bool same = e is null && DeploymentManifest.Parse(flipped).ToBytes().AsSpan().SequenceEqual(bytes);
            (same || e is FormatException or DeploymentMismatchException).ShouldBeTrue($"bit {bit}: {e}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("rubbish")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"format":"x"}""")]
    [InlineData("""{"format":1}""")]
    [InlineData("""{"format":0}""")]
    public void Rubbish_is_called_so(string text) =>
        Should.Throw<FormatException>(() => DeploymentManifest.Parse(Encoding.UTF8.GetBytes(text)))
            .Message.ShouldStartWith("The stored deployment manifest is damaged: ");

    [Fact]
    public void A_newer_format_is_left_alone() =>
        Should.Throw<DeploymentMismatchException>(() => DeploymentManifest.Parse("""{"format":2,"anything":[]}"""u8))
            .Differences.ShouldBe(["The stored manifest has format 2, and this version reads up to 1: start a newer version of OrleansStreaming."]);
}
