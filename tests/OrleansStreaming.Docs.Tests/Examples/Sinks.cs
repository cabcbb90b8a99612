using System.Collections.Concurrent;

namespace OrleansStreaming.Docs.Tests.Examples.Sinks;

#region transactional
/// <summary>Stands for a database: rows and positions change in one transaction.</summary>
public sealed class Ledger
{
    private readonly Lock _transaction = new();
    private readonly Dictionary<(string Sink, int Partition), Offset> _positions = [];
    private readonly List<string> _rows = [];

    public IReadOnlyList<string> Rows
    {
        get
        {
            lock (_transaction)
            {
                return [.. _rows];
            }
        }
    }

    public Offset PositionOf(SinkPartition partition)
    {
        lock (_transaction)
        {
            return _positions.GetValueOrDefault((partition.Sink, partition.Index), Offset.None);
        }
    }

    public bool TryCommit(SinkPartition partition, Offset from, Offset to, IEnumerable<string> rows)
    {
        lock (_transaction)
        {
            if (_positions.GetValueOrDefault((partition.Sink, partition.Index), Offset.None) != from)
            {
                return false;
            }

            _positions[(partition.Sink, partition.Index)] = to;
            _rows.AddRange(rows);
            return true;
        }
    }
}

public sealed class LedgerSink<TEvent>(Ledger ledger) : ISink<TEvent>
{
    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        new(ledger.PositionOf(partition));

    public ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken) =>
        ledger.TryCommit(batch.Partition, batch.From, batch.To, batch.Events.Select(e => e.Event!.ToString()!))
            ? default
            : throw new SinkFencedException($"{batch.Partition.Sink} does not stand at {batch.From}");
}
#endregion

#region idempotent
/// <summary>Stands for a key-value store: writing the same row again changes nothing.</summary>
public sealed class TableSink<TEvent>(ConcurrentDictionary<string, TEvent> table) : ISink<TEvent>
{
    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) => new((Offset?)null);

    public ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        foreach (SinkEvent<TEvent> item in batch.Events)
        {
            table[$"{batch.Partition.Stream}/{batch.Partition.Index}/{item.Name}"] = item.Event;
        }

        return default;
    }
}
#endregion

public sealed record Event(string Key, int Number);

internal static class Topology
{
    public static StreamingBuilder AddSinks(this StreamingBuilder streaming, Ledger ledger, ConcurrentDictionary<string, Event> table, string folder, Action<Event> show) =>
        #region topology
        streaming
            .AddStream<Event>("events", keyedBy: e => e.Key)
            .AddSink<Event>(from: "events", _ => new LedgerSink<Event>(ledger), name: "ledger")
            .AddSink<Event>(from: "events", _ => new TableSink<Event>(table), name: "table")
            .AddSink<Event>(from: "events", _ => new JsonLinesSink<Event>(folder), name: "files")
            .AddSink<Event>(from: "events", _ => new DelegateSink<Event>(show), name: "callback");
        #endregion
}
