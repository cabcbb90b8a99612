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
    : StableReader(definition, manifestPosition)
{
    private LogCursor _cursor;
    private WriteRequest? _write;
    private long _writingTo;
    private int _writing;
    private long _delayMs;

    /// <summary>What the sink has stored, as far as is known.</summary>
    public long Stored { get; private set; } = manifestPosition;

    public override bool IsParked => Attempts >= Silo.Options.SinkMaxAttempts;

    public override bool HasWork => Phase is SinkPhase.Opening or SinkPhase.Writing || (Phase == SinkPhase.Ready && !_cursor.AtEnd(Partition.Log));

    protected Silo Silo { get; } = silo;

    protected Partition Partition { get; } = partition;

    protected SinkPartition Target { get; } = new(definition.Name, partition.Stream.Name, partition.Index, partition.Epoch) { Deployment = silo.Options.Deployment };

    public static new SinkRunner Create(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition) =>
        (SinkRunner)Activator.CreateInstance(typeof(SinkRunner<>).MakeGenericType(definition.EventType.ClrType), silo, partition, definition, manifestPosition)!;

    public override void Open()
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
    public override void Step()
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

    public override void Close() => Phase = SinkPhase.Closed;

    private void Write(long to, int count)
    {
        Phase = SinkPhase.Writing;
        (_writingTo, _writing) = (to, count);
        TakeGathered(new Offset(Stored), new Offset(to));
        Silo.Start(_write ??= new WriteRequest(this));
    }

    private void Written(Exception? error)
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
            Silo.Log.SinkResumed(Silo.Name, Definition.Name, Partition.Name, new Offset(_writingTo));
        }

        Attempts = 0;
        LastError = null;
        Stored = _writingTo;
        Confirmed = _writingTo;
        Position = Math.Max(Position, _writingTo); // Never back, whatever a late answer says.
        Released(Silo.WallMicros);
        Silo.Counters.Released += _writing;
        Phase = SinkPhase.Ready;
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

    /// <summary>What has been gathered is what is written next.</summary>
    protected abstract void TakeGathered(Offset from, Offset to);

    /// <summary>Outside of the loop.</summary>
    protected abstract ValueTask WriteTakenAsync(CancellationToken cancellationToken);

    protected abstract void Released(long nowMicros);

    /// <summary>The only write under way: there are thousands a second, so it is one object.</summary>
    private sealed class WriteRequest(SinkRunner runner) : Request($"write to sink {runner.Definition.Name}")
    {
        protected override ValueTask ExecuteAsync(IStorage storage, CancellationToken cancellationToken) => runner.WriteTakenAsync(cancellationToken);

        protected override void Done(Exception? error) => runner.Written(error);
    }
}

/// <inheritdoc cref="SinkRunner"/>
internal sealed class SinkRunner<TEvent>(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition)
    : SinkRunner(silo, partition, definition, manifestPosition)
{
    private readonly EventType<TEvent> _type = (EventType<TEvent>)definition.EventType;
    private readonly ISink<TEvent> _sink = (ISink<TEvent>)silo.SinkInstance(definition);
    private List<SinkEvent<TEvent>> _gathered = [];
    private List<SinkEvent<TEvent>> _taken = [];
    private SinkBatch<TEvent>? _batch;
    private KeptKeys _keys;

    protected override ValueTask<Offset?> OpenSinkAsync(CancellationToken cancellationToken) => _sink.OpenAsync(Target, cancellationToken);

    protected override void Add(in Row row, long offset) =>
        _gathered.Add(new SinkEvent<TEvent>(
            _type.Serializer.Read(row.Payload), new Offset(offset), NameOf(in row, offset), DateTimeOffset.UnixEpoch.AddMicroseconds(row.Time)));

    protected override void TakeGathered(Offset from, Offset to)
    {
        (_gathered, _taken) = (_taken, _gathered);
        _gathered.Clear();
        _batch = new SinkBatch<TEvent>(Target, from, to, _taken);
    }

    protected override ValueTask WriteTakenAsync(CancellationToken cancellationToken) => _sink.WriteAsync(_batch!, cancellationToken);

    protected override void Released(long nowMicros)
    {
        foreach (SinkEvent<TEvent> released in _taken)
        {
            long ticks = (released.Time - DateTimeOffset.UnixEpoch).Ticks;
            Silo.Counters.Latency.Record(nowMicros - (ticks / 10));
        }
    }

    private EventName NameOf(in Row row, long offset) => row.Producer switch
    {
        ProducerKind.Grain when Silo.FindOperator(row.OperatorId) is { } maker =>
            EventName.OfGrain(maker.Definition, _keys.Keep(row.ProducerKey), new Offset(row.Name.Input), row.Name.Ordinal),
        ProducerKind.Grain => $"{Silo.OperatorName(row.OperatorId)}/{Silo.KeyText(row.OperatorId, row.ProducerKey)}/{row.Name}",
        ProducerKind.External => EventName.OfProducer(_keys.Keep(row.ProducerKey), row.Name.Input, row.Name.Ordinal),
        _ => EventName.OfUnnamed(new Offset(offset)),
    };
}
