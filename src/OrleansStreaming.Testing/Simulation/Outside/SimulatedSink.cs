using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// A sink outside of the system: transactional, storing its position with the data, or idempotent, keyed by name. One for all silos.
/// </summary>
internal sealed class SimulatedSink(SimulatedWorld world, string name, bool idempotent)
{
    private readonly Dictionary<(string Stream, int Index), Content> _contents = [];

    public string Name { get; } = name;

    public bool Idempotent { get; } = idempotent;

    public Content Of(string stream, int index)
    {
        if (!_contents.TryGetValue((stream, index), out Content? content))
        {
            _contents.Add((stream, index), content = new Content());
        }

        return content;
    }

    public ISink<SimulatedEvent> For(SimulatedSilo silo) => new View(world, this, silo);

    internal sealed class Content
    {
        public long Position { get; set; } = Offset.None.Value;

        public List<(long Offset, string Name, ulong Id)> Rows { get; } = [];

        public Dictionary<string, ulong> ByName { get; } = [];
    }

    private sealed class View(SimulatedWorld world, SimulatedSink sink, SimulatedSilo silo) : ISink<SimulatedEvent>
    {
        public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
            world.Gates.Wait(silo, GateKind.Sink, $"open {sink.Name}-{partition.Index}", () =>
                sink.Idempotent ? (Offset?)null : new Offset(sink.Of(partition.Stream, partition.Index).Position));

        public async ValueTask WriteAsync(SinkBatch<SimulatedEvent> batch, CancellationToken cancellationToken)
        {
            // The events are only valid until the write returns; a write whose answer is lost has them all the same.
            SinkEvent<SimulatedEvent>[] events = [.. batch.Events];
            if (events.Length == 0)
            {
                throw new SimulationException("I9", $"an empty batch for {sink.Name}");
            }

            if (!sink.Idempotent)
            {
                await world.Gates.Wait(silo, GateKind.Sink, $"write {events.Length} to {sink.Name}-{batch.Partition.Index}", () => Store(batch, events)).ConfigureAwait(false);
                return;
            }

            // Not atomic: row by row.
            int next = 0;
            while (next < events.Length)
            {
                int from = next, until = world.Random.Between(next + 1, events.Length);
                await world.Gates.Wait(silo, GateKind.Sink, $"put {until - from} to {sink.Name}-{batch.Partition.Index}", () => Put(batch, events, from, until)).ConfigureAwait(false);
                next = until;
            }
        }

        private bool Store(SinkBatch<SimulatedEvent> batch, SinkEvent<SimulatedEvent>[] events)
        {
            Content content = sink.Of(batch.Partition.Stream, batch.Partition.Index);
            if (content.Position != batch.From.Value)
            {
                throw new SinkFencedException($"the position is {new Offset(content.Position)}, not {batch.From}");
            }

            foreach (SinkEvent<SimulatedEvent> row in events)
            {
                content.Rows.Add((row.Offset.Value, row.Name, row.Event.Id));
            }

            content.Position = batch.To.Value;
            world.Totals.Released += events.Length;
            return true;
        }

        private bool Put(SinkBatch<SimulatedEvent> batch, SinkEvent<SimulatedEvent>[] events, int from, int until)
        {
            Content content = sink.Of(batch.Partition.Stream, batch.Partition.Index);
            for (int i = from; i < until; i++)
            {
                SinkEvent<SimulatedEvent> row = events[i];
                if (content.ByName.TryGetValue(row.Name, out ulong known) && known != row.Event.Id)
                {
                    throw new SimulationException("I9", $"{sink.Name}: {row.Name} was written as {known:x} and now comes as {row.Event.Id:x}");
                }

                content.ByName[row.Name] = row.Event.Id;
            }

            world.Totals.Released += until - from;
            return true;
        }
    }
}
