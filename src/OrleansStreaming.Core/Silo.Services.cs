using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>What a silo does for its parts: starts requests, keeps timers, sends outputs on their way.</summary>
internal sealed partial class Silo
{
    private int _turnsElsewhere;
    private CausalityVector? _lastForeign;
    private long _lastOwnLsn;
    private CausalityVector? _lastVector;

    public void Submit(Request request) => Ports.Submit(request);

    public void Start(Request request) => Ports.Start(request);

    /// <summary>Calls back in the loop after some milliseconds.</summary>
    public void After(long delayMs, Action action) => _timers.Enqueue(action, NowMs + delayMs);

    /// <summary>Calls back in the loop at a wall-clock time.</summary>
    public void At(long micros, Action action) => _wallTimers.Enqueue(action, micros);

    public void Track(Turn turn)
    {
        _turns.Add(turn);
        turn.Task.ContinueWith(
            static (_, state) =>
            {
                var ended = (Turn)state!;
                ended.Host.PostEnd(ended);
            },
            turn,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public void Track(HostedTurn turn)
    {
        _turns.Add(turn);
        Interlocked.Increment(ref _turnsElsewhere);
    }

    /// <summary>A turn that was handed to the engine has begun, and does not hold its thread any more. From any thread.</summary>
    public void TurnReturned() => Interlocked.Decrement(ref _turnsElsewhere);

    /// <summary>As many turns as should be wait for the engine to begin them.</summary>
    public bool TurnsWaitElsewhere => Volatile.Read(ref _turnsElsewhere) >= Options.MaxTurnsElsewhere;

    public IEnumerable<Turn> TurnsOf(OperatorHost host) => _turns.Where(t => t.Host == host).ToArray();

    /// <summary>For the next turn, and the one after it if that ends at once.</summary>
    public TurnContext Context { get; private set; } = new();

    /// <summary>The turn that has begun goes on with its context.</summary>
    public void KeepContext() => Context = _contexts.TryPop(out TurnContext? context) ? context : new TurnContext();

    public void ReturnContext(TurnContext context) => _contexts.Push(context);

    /// <summary>The loop enters the code of an operator. References are written only if they change: each costs more than it seems, as the collector is told.</summary>
    public void Enter(OperatorHost host, long offset)
    {
        if (!ReferenceEquals(_running, host))
        {
            _running = host;
        }

        RunningOffset = offset;
    }

    /// <summary>The loop has come back.</summary>
    public void Leave() => RunningOffset = Offset.None.Value;

    /// <summary>An operator is given up, with all of its grains.</summary>
    public void Forget(OperatorHost host)
    {
        _running = ReferenceEquals(_running, host) ? null : _running;
        Context.Forget(host);
    }

    public CaptureBuffer RentCapture() => _captures.TryPop(out CaptureBuffer? buffer) ? buffer : new CaptureBuffer();

    public void ReturnCapture(CaptureBuffer buffer)
    {
        buffer.Clear(Deltas);
        _captures.Push(buffer);
    }

    public void MarkForAck(Partition partition) => _ackDue.Add(partition);

    public string NextRunNumber() => (++_runNumber).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public object SinkInstance(SinkDefinition sink)
    {
        if (!_sinkInstances.TryGetValue(sink.Id, out object? instance))
        {
            _sinkInstances.Add(sink.Id, instance = sink.Factory(Ports.Services));
        }

        return instance;
    }

    /// <summary>Whether a record is durable, and all that it depends on.</summary>
    public bool IsStable(LogBlock block, int slot) =>
        Journals.IsDurable(block.Journal, block.Lsn) && block.IsSettledSlot(slot, Journals);

    public string OperatorName(int operatorId) => FindOperator(operatorId)?.Definition.Name ?? $"operator{operatorId}";

    public string KeyText(int operatorId, ReadOnlySpan<byte> key) =>
        FindOperator(operatorId)?.KeyText(key) ?? Convert.ToHexString(key);

    /// <summary>The partition that a grain of an operator reads, -1 when the operator is not known.</summary>
    public int SourcePartition(int operatorId, ReadOnlySpan<byte> key)
    {
        StreamDefinition? from = FindOperator(operatorId)?.Definition.From;
        return from is null ? -1 : PartitionId.Of(from, KeyHash.PartitionOf(KeyHash.Compute(key), from.PartitionCount));
    }

    /// <summary>Null for one of an older deployment. A loop, not a query: asked for every record of a grain that a sink or the table of names reads.</summary>
    public OperatorType? FindOperator(int operatorId)
    {
        for (int i = 0; i < Operators.Count; i++)
        {
            if (Operators[i].Definition.Id == operatorId)
            {
                return Operators[i];
            }
        }

        return null;
    }

    public void DeleteRun(string name) => Submit(new Request<bool>(
        $"delete run {name}",
        async (storage, cancel) =>
        {
            await storage.DeleteRunAsync(name, cancel).ConfigureAwait(false);
            return true;
        },
        static (_, _) => { })); // What is left over is found when the partition is opened next.

    /// <summary>Sends an output on its way: straight into a partition of this silo, else through a channel.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="row">The output.</param>
    /// <param name="sender">Whose it is.</param>
    /// <param name="from">The partition that the sender reads.</param>
    /// <param name="flagged">It may repeat what its destination has.</param>
    /// <returns>A mark that tells when it has arrived (<see cref="Outbox.IsAcknowledged"/>), 0 when it has.</returns>
    public long Route(StreamDefinition stream, ref Row row, Grain sender, int from, bool flagged)
    {
        int id = PartitionId.Of(stream, KeyHash.PartitionOf(KeyHash.Compute(row.Key), stream.PartitionCount));
        Partition? local = Ownerships.Find(id);
        if (local is { Closed: false } && !Outbox.Holds(id) && (!flagged || local.Duplicates.TryCatchUp()))
        {
            local.TakeLocal(ref row, sender.Foreign?.Prune(Journals), from, flagged);
            return 0;
        }

        return Outbox.Add(id, ref row, SendVector(sender), flagged);
    }

    /// <summary>Tells all partitions that an operator writes to what it will never repeat.</summary>
    public void AnnounceFloor(OperatorDefinition from, Floor floor)
    {
        foreach (StreamDefinition stream in from.DeadLetters is null ? from.To : [.. from.To, from.DeadLetters])
        {
            for (int i = 0; i < stream.PartitionCount; i++)
            {
                int id = PartitionId.Of(stream, i);
                if (Ownerships.Find(id) is { Closed: false } local && !Outbox.Holds(id))
                {
                    local.Duplicates.Raise(floor);
                }
                else
                {
                    Outbox.Add(id, floor);
                }
            }
        }
    }

    /// <summary>Whether a partition, by its place among all, belongs to this silo.</summary>
    public bool IsPlacedHere(int ordinal) => ordinal >= 0 && Membership is { } view && view.DesiredOwner(ordinal) == (view.Self ?? Name);

    public void AnnounceOwner(Partition partition) =>
        Broadcast(_ => new OwnerMessage(Journal.Id, SealVersion, Journal.Durable, partition.Id, partition.Epoch));

    /// <summary>Tells a silo that has come later what this one owns.</summary>
    public void AnnounceOwned(int toJournal)
    {
        foreach (Partition partition in Ownerships.Active)
        {
            if (!partition.Closed && Phase == SiloPhase.Running)
            {
                Ports.Send(toJournal, new OwnerMessage(Journal.Id, SealVersion, Journal.Durable, partition.Id, partition.Epoch));
            }
        }
    }

    public void AnnounceRelease(int partition) =>
        Broadcast(_ => new ReleasedMessage(Journal.Id, SealVersion, Journal.Durable, partition));

    public void BringBack(PartitionLog log, long sequence) => Ownerships.Find(log.Partition)?.BringBack(sequence);

    /// <summary>Something cannot be written or read, or can again: what was in trouble must itself come right, whatever else works.</summary>
    public void ReportStorageTrouble(string what, Exception? error)
    {
        if (error is null)
        {
            _troubles.Remove(what);
        }
        else
        {
            _troubles[what] = error.Message;
        }
    }

    /// <summary>What a sent output depends on: the grain's foreign entries and the own journal. The last one is kept, as most are alike.</summary>
    private CausalityVector? SendVector(Grain sender)
    {
        CausalityVector? foreign = sender.Foreign?.Prune(Journals);
        if (Journals.IsDurable(Journal.Id, sender.OwnLsn))
        {
            return foreign;
        }

        if (_lastVector is null || !ReferenceEquals(foreign, _lastForeign) || sender.OwnLsn != _lastOwnLsn)
        {
            _lastForeign = foreign;
            _lastOwnLsn = sender.OwnLsn;
            _lastVector = CausalityVector.With(foreign, Journal.Id, sender.OwnLsn);
        }

        return _lastVector;
    }

    private void Broadcast(Func<int, SiloMessage> message)
    {
        foreach (int journal in Membership?.Live.Values ?? [])
        {
            if (journal != Journal.Id && journal >= 0)
            {
                Ports.Send(journal, message(journal));
            }
        }
    }
}
