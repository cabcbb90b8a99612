using System.Buffers;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A row that a sink has stored.</summary>
internal sealed record SinkRow(long Offset, string Name, byte[] Payload);

/// <summary>What one sink holds of one partition, whichever silo wrote it.</summary>
internal sealed class SinkContent
{
    /// <summary>Of a transactional sink: stored with the data.</summary>
    public long Position { get; set; } = Offset.None.Value;

    /// <summary>Of a transactional sink.</summary>
    public List<SinkRow> Rows { get; } = [];

    /// <summary>Of an idempotent sink.</summary>
    public Dictionary<string, byte[]> ByName { get; } = [];
}

/// <summary>
/// A sink as one silo sees it. What it writes to is outside of the system and outlives silos: transactional, storing its
/// position with the data, or idempotent, keyed by name.
/// </summary>
internal sealed class SimulatedSink<TEvent>(SimulatedSilo silo, string name, EventType<TEvent> type) : ISink<TEvent>
{
    private readonly SimulatedWorld _world = silo.World;
    private readonly SinkDefinition _definition = silo.World.Topology.Sinks.First(s => s.Name == name);

    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        _world.Gates.Wait(silo, GateKind.Sink, new GateName("open", name, partition.Index), () =>
            _world.Scenario.IdempotentSinks ? (Offset?)null : new Offset(ContentOf(partition).Position));

    public async ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        // The events are only valid until the write returns; a write whose answer is lost has them all the same.
        SinkRow[] rows = [.. batch.Events.Select(e => new SinkRow(e.Offset.Value, e.Name, Encode(e.Event)))];
        if (rows.Length == 0)
        {
            _world.Oracle.Outputs.EmptyBatch(name);
        }

        if (!_world.Scenario.IdempotentSinks)
        {
            await _world.Gates.Wait(silo, GateKind.Sink, new GateName("write to", name, batch.Partition.Index, rows.Length), () => Store(batch, rows)).ConfigureAwait(false);
            return;
        }

        // Not atomic: row by row.
        int next = 0;
        while (next < rows.Length)
        {
            int from = next, until = _world.Random.Between(next + 1, rows.Length);
            await _world.Gates.Wait(silo, GateKind.Sink, new GateName("put to", name, batch.Partition.Index, until - from), () => Put(batch, rows.AsSpan(from..until))).ConfigureAwait(false);
            next = until;
        }
    }

    private bool Store(SinkBatch<TEvent> batch, SinkRow[] rows)
    {
        SinkContent content = ContentOf(batch.Partition);
        if (content.Position != batch.From.Value && !SimulationMutations.WriteAnywhere)
        {
            content.Position = SimulationMutations.GoBack ? Math.Min(content.Position, batch.To.Value) : content.Position;
            throw new SinkFencedException($"the position is {new Offset(content.Position)}, not {batch.From}");
        }

        content.Rows.AddRange(rows);
        content.Position = batch.To.Value;
        _world.Totals.Released += rows.Length;
        return true;
    }

    private bool Put(SinkBatch<TEvent> batch, ReadOnlySpan<SinkRow> rows)
    {
        SinkContent content = ContentOf(batch.Partition);
        foreach (SinkRow row in rows)
        {
            if (content.ByName.TryGetValue(row.Name, out byte[]? known) && !StateBytes.Same(known, row.Payload))
            {
                _world.Oracle.Outputs.Rewritten(name, row.Name, known, row.Payload);
            }

            content.ByName[row.Name] = row.Payload;
        }

        _world.Totals.Released += rows.Length;
        return true;
    }

    private SinkContent ContentOf(SinkPartition partition) => _world.SinkContentOf(_definition, partition.Index);

    private byte[] Encode(TEvent value)
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        type.Serializer.Write(in value, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
