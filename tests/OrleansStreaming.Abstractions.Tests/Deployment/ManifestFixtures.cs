using System.Buffers;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests.Deployment;

internal static class ManifestFixtures
{
    public static Topology Topology(Action<StreamingBuilder> declare)
    {
        StreamingBuilder builder = new();
        declare(builder);
        return builder.Build();
    }

    public static DeploymentManifest Manifest(Action<StreamingBuilder> declare) => DeploymentManifest.Create(Topology(declare));

    public static StreamingBuilder Flights(this StreamingBuilder builder, Action<StreamOptions<string>>? configure = null) =>
        builder.AddStream("flights", (Flight f) => f.Origin, configure);

    public static StreamingBuilder Reports(this StreamingBuilder builder) => builder.AddStream("reports", (Report r) => r.Airport);

    /// <summary>An operator without a dead-letter stream, so that ids are easy to follow.</summary>
    public static StreamingBuilder Operator<T>(this StreamingBuilder builder, StreamNames from, string? name = null)
        where T : OperatorGrain =>
        builder.AddOperator<T>(from, name: name, configure: o => o.OnFailure = FailurePolicy.Skip);
}

/// <summary>Says of itself which schema it has and which it can read.</summary>
internal sealed class Versioned<T>(string schema, params string[] reads) : IEventSerializer<T>
{
    public string Schema => schema;

    public bool CanRead(string storedSchema) => reads.Contains(storedSchema);

    public void Write(in T value, IBufferWriter<byte> output) => throw new NotSupportedException();

    public T Read(ReadOnlySpan<byte> bytes) => throw new NotSupportedException();
}
