using System.Buffers;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The context of a turn that the reference runs: gathers what the turn does, and sends nothing.</summary>
internal sealed class ReferenceContext(OperatorDefinition op, Topology topology, KeyTable keys, int key, long offset, long time) : EventContext(engine: true)
{
    private Random? _random;
    private int _requests;

    public List<ReferenceOutput> Outputs { get; } = [];

    public List<ReferenceRequest> Requests { get; } = [];

    public HashSet<string> Cancelled { get; } = [];

    public override string Stream => op.From.Name;

    public override Offset Offset => new(offset);

    public override DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddMicroseconds(time);

    public override Random Random => _random ??= TurnContext.RandomOf(keys[key], offset, op.Id);

    public override CancellationToken CancellationToken => default;

    public override void Emit<TEvent>(string stream, TEvent @event)
    {
        StreamDefinition target = op.To.FirstOrDefault(t => t.Name == stream) ?? throw new InvalidOperationException($"operator '{op.Name}' does not declare an edge to '{stream}'");
        EventType<TEvent> type = target.Find<TEvent>() ?? throw new InvalidOperationException($"stream '{stream}' carries no {typeof(TEvent).Name}");
        Span<byte> written = stackalloc byte[KeyCodec.MaxBytes];
        int length = type.Key(in @event, written);
        var payload = new ArrayBufferWriter<byte>();
        type.Serializer.Write(in @event, payload);
        Emit(target, (byte)type.Index, written[..length], payload.WrittenSpan.ToArray());
    }

    public void Emit(StreamDefinition target, byte type, ReadOnlySpan<byte> outputKey, byte[]? payload) =>
        Outputs.Add(new ReferenceOutput(
            PartitionId.Of(target, KeyHash.PartitionOf(KeyHash.Compute(outputKey), target.PartitionCount)), new RecordName(offset, Outputs.Count), type, keys.Of(outputKey), payload));

    public override void SetTimer(string name, TimeSpan due)
    {
        CancelTimer(name);
        Requests.Add(new ReferenceRequest(new RecordName(offset, _requests++), RecordKind.Timer, name, time + (long)due.TotalMicroseconds, []));
    }

    public override void CancelTimer(string name)
    {
        Requests.RemoveAll(r => r.Kind == RecordKind.Timer && r.Tag == name);
        Cancelled.Add(name);
    }

    public override void Call<TRequest>(TRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        topology.Serializers.Get<TRequest>().Write(in request, bytes);
        Requests.Add(new ReferenceRequest(new RecordName(offset, _requests++), RecordKind.CallResult, typeof(TRequest).FullName!, 0, bytes.WrittenSpan.ToArray()));
    }
}
