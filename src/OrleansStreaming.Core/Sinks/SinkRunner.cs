using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>Where a sink of one partition stands.</summary>
internal enum SinkPhase
{
    Opening,
    Ready,
    Writing,
    BackingOff,
    Closed,
}

/// <summary>
/// Output commit: hands the events of one partition to a sink, in order, as soon as they are stable. A sink that fails is
/// tried again with growing waits; one that keeps failing counts as parked, with its position, and holds up nobody else.
/// </summary>
internal abstract class SinkRunner(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition)
{
    private readonly string _writes = $"write to sink {definition.Name}";
    private LogCursor _cursor;
    private long _delayMs;

    public SinkDefinition Definition { get; } = definition;

    public int Id => Definition.Id;

    public SinkPhase Phase { get; private set; }

    /// <summary>Everything at or below has been released, or is void.</summary>
    public long Position { get; private set; } = manifestPosition;

    /// <summary>What the sink has stored, as far as is known.</summary>
    public long Stored { get; private set; } = manifestPosition;

    /// <summary>What the sink has told to have stored; none while it has told nothing.</summary>
    public long Confirmed { get; private set; } = Offset.None.Value;

    public int Attempts { get; private set; }

    public Exception? LastError { get; private set; }

    public bool IsParked => Attempts >= Silo.Options.SinkMaxAttempts;

    public bool HasWork => Phase is SinkPhase.Opening or SinkPhase.Writing || (Phase == SinkPhase.Ready && !_cursor.AtEnd(Partition.Log));

    protected Silo Silo { get; } = silo;

    protected Partition Partition { get; } = partition;

    protected SinkPartition Target => new(Definition.Name, Partition.Stream.Name, Partition.Index, Partition.Epoch) { Deployment = Silo.Options.Deployment };

    public static SinkRunner Create(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition) =>
        (SinkRunner)Activator.CreateInstance(typeof(SinkRunner<>).MakeGenericType(definition.EventType.ClrType), silo, partition, definition, manifestPosition)!;

    public void Open()
    {
        Phase = SinkPhase.Opening;
        Silo.Start(new Request<Offset?>($"open sink {Definition.Name}", (_, cancel) => OpenSinkAsync(cancel), (stored, error) =>
        {
            if (Phase == SinkPhase.Closed)
            {
                return;
            }

            if (error is not null)
            {
                Failed(error);
                return;
            }

            if (stored is { } position)
            {
                if (position.Value < Partition.Manifest.Current.TrimmedTo && Partition.Manifest.Current.SinksStored.GetValueOrDefault(Id, -1) > position.Value)
                {
                    Silo.Log.SinkLostPosition(Silo.Name, Definition.Name, Partition.Name, position, new Offset(Partition.Manifest.Current.TrimmedTo));
                }

                Stored = position.Value;
                Confirmed = Math.Max(Confirmed, Stored);
                Position = Math.Max(Position, Stored);
            }

            _cursor = LogCursor.After(Partition.Log, Stored);
            Phase = SinkPhase.Ready;
        }));
    }

    /// <summary>Releases the next events that are stable.</summary>
    public void Step()
    {
        if (Phase != SinkPhase.Ready)
        {
            return;
        }

        int count = 0;
        long last = Position;
        while (count < Silo.Options.SinkBatchEvents
            && _cursor.TryPeek(Partition.Log, Silo, out LogBlock? block, out Row row, out _, out int length, out long offset))
        {
            bool isVoid = block.IsVoid(row.Slot);
            if (!isVoid && !Silo.IsStable(block, row.Slot) && !(Mutations.ReleaseUnstable && Silo.Journals.IsDurable(block.Journal, block.Lsn)))
            {
                break;
            }

            _cursor.Move(length);
            last = offset;
            if (!isVoid && row.Kind == RecordKind.Event)
            {
                Add(in row, offset);
                Silo.Probe?.Releasing(Definition, Partition, block, in row, offset);
                count++;
            }
        }

        if (count == 0)
        {
            Position = Math.Max(Position, last);
            return;
        }

        Write(last, count);
    }

    public void Close() => Phase = SinkPhase.Closed;

    private void Write(long to, int count)
    {
        Phase = SinkPhase.Writing;
        Func<CancellationToken, ValueTask> write = Batch(new Offset(Stored), new Offset(to));
        Silo.Start(new Request<bool>(
            _writes,
            async (_, cancel) =>
            {
                await write(cancel).ConfigureAwait(false);
                return true;
            },
            (_, error) =>
            {
                if (Phase == SinkPhase.Closed)
                {
                    return;
                }

                if (error is not null)
                {
                    Failed(error);
                    return;
                }

                if (IsParked)
                {
                    Silo.Log.SinkResumed(Silo.Name, Definition.Name, Partition.Name, new Offset(to));
                }

                Attempts = 0;
                LastError = null;
                Stored = to;
                Confirmed = to;
                Position = Math.Max(Position, to); // Never back, whatever a late answer says.
                Released(Silo.WallMicros);
                Silo.Counters.Released += count;
                Phase = SinkPhase.Ready;
            }));
    }

    private void Failed(Exception error)
    {
        Attempts++;
        LastError = error;
        Phase = SinkPhase.BackingOff;
        _delayMs = Math.Min(Silo.Options.SinkRetryMs << Math.Min(Attempts - 1, 16), Silo.Options.SinkMaxRetryMs);
        if (Attempts == Silo.Options.SinkMaxAttempts)
        {
            Silo.Log.SinkParked(Silo.Name, Definition.Name, Partition.Name, new Offset(Position), Attempts, error);
        }
        else
        {
            Silo.Log.SinkFailed(Silo.Name, Definition.Name, Partition.Name, new Offset(Position), Attempts, _delayMs, error);
        }

        // Whether the write took effect is not known: ask the sink for its position before anything is repeated.
        Silo.After(_delayMs, () =>
        {
            if (Mutations.SkipFailed)
            {
                Phase = SinkPhase.Ready;
            }
            else if (Phase == SinkPhase.BackingOff)
            {
                Open();
            }
        });
    }

    protected abstract ValueTask<Offset?> OpenSinkAsync(CancellationToken cancellationToken);

    protected abstract void Add(in Row row, long offset);

    protected abstract Func<CancellationToken, ValueTask> Batch(Offset from, Offset to);

    protected abstract void Released(long nowMicros);

    protected string NameOf(in Row row, long offset) => row.Producer switch
    {
        ProducerKind.Grain => $"{Silo.OperatorName(row.OperatorId)}/{Silo.KeyText(row.OperatorId, row.ProducerKey)}/{row.Name}",
        ProducerKind.External => $"{System.Text.Encoding.UTF8.GetString(row.ProducerKey)}/{row.Name.Input}#{row.Name.Ordinal}",
        _ => $"@{new Offset(offset)}",
    };
}

/// <inheritdoc cref="SinkRunner"/>
internal sealed class SinkRunner<TEvent>(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition)
    : SinkRunner(silo, partition, definition, manifestPosition)
{
    private readonly EventType<TEvent> _type = (EventType<TEvent>)definition.EventType;
    private readonly ISink<TEvent> _sink = (ISink<TEvent>)silo.SinkInstance(definition);
    private List<SinkEvent<TEvent>> _gathered = [];
    private List<SinkEvent<TEvent>> _writing = [];

    protected override ValueTask<Offset?> OpenSinkAsync(CancellationToken cancellationToken) => _sink.OpenAsync(Target, cancellationToken);

    protected override void Add(in Row row, long offset) =>
        _gathered.Add(new SinkEvent<TEvent>(
            _type.Serializer.Read(row.Payload), new Offset(offset), NameOf(in row, offset), DateTimeOffset.UnixEpoch.AddMicroseconds(row.Time)));

    protected override Func<CancellationToken, ValueTask> Batch(Offset from, Offset to)
    {
        (_gathered, _writing) = (_writing, _gathered);
        _gathered.Clear();
        var batch = new SinkBatch<TEvent>(Target, from, to, _writing);
        return cancel => _sink.WriteAsync(batch, cancel);
    }

    protected override void Released(long nowMicros)
    {
        foreach (SinkEvent<TEvent> released in _writing)
        {
            long ticks = (released.Time - DateTimeOffset.UnixEpoch).Ticks;
            Silo.Counters.Latency.Record(nowMicros - (ticks / 10));
        }
    }
}
