using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>
/// One incarnation of a silo: a thread that runs the silo's loop, a queue of its inputs, and the ports through which it
/// acts. Once abandoned, every port call throws, so that nothing of it is seen any more.
/// </summary>
internal sealed class SiloIncarnation : ISiloPorts, ISiloLink
{
    private const int InputsPerStep = 512;

    /// <summary>
    /// So many processors must be there for each silo of the process before a loop that has nothing to do spins for a while:
    /// it is woken sooner then. With fewer, spinning takes the processor from what it waits for, another silo or a journal.
    /// </summary>
    private const int ProcessorsToSpin = 2;
    private readonly StreamingEngine _engine;
    private readonly SiloHost _host;
    private readonly ConcurrentQueue<object> _inputs = new();
    private readonly ManualResetEventSlim _signal;
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<Request> _storageEnded;
    private readonly Action<Request> _workEnded;
    private readonly long _origin;
    private int _pendingStorage;
    private volatile bool _abandoned;
    private bool _failed;
    private int _over;

    public SiloIncarnation(StreamingEngine engine, SiloHost host)
    {
        _engine = engine;
        _host = host;
        bool spins = Environment.ProcessorCount >= ProcessorsToSpin * engine.Hosts.Count;
        _signal = spins ? new ManualResetEventSlim() : new ManualResetEventSlim(false, spinCount: 0);
        _storageEnded = StorageEnded;
        _workEnded = Post;
        _origin = engine.Time.GetTimestamp();
        Silo = new Silo(host.Name, engine.Topology, engine.SiloOptions(), this, engine.Loggers.CreateLogger("OrleansStreaming.Silo"), engine.Probe?.Invoke(host.Name));
    }

    public Silo Silo { get; }

    public IServiceProvider Services => _engine.Services;

    public long NowMicros => (_engine.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;

    public long TicksMs => (long)_engine.Time.GetElapsedTime(_origin).TotalMilliseconds;

    public long TicksMicros => (long)_engine.Time.GetElapsedTime(_origin).TotalMicroseconds;

    public void Begin()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = _host.Name };
        thread.Start();
    }

    /// <summary>Hands the silo an input; from any thread.</summary>
    public void Post(object input)
    {
        _inputs.Enqueue(input);
        if (_ended.Task.IsCompleted)
        {
            RefuseInputs(); // The loop has looked for the last time.
        }
        else if (!_signal.IsSet)
        {
            _signal.Set();
        }
    }

    /// <summary>Has the silo do something, inside its loop; nothing when it has ended.</summary>
    public void Post(Action<Silo> action) => Post(new Question(action, static () => { }));

    void ISiloLink.Send(SiloMessage message) => Post(message);

    void ISiloLink.Ingest(IngestBatch batch) => Post(batch);

    void ISiloLink.Ingest(List<IngestBatch> batches) => Post(batches);

    void ISiloLink.Read(StateQuery query) => Post(query);

    async Task<IReadOnlyCollection<byte[]>?> ISiloLink.KeysAsync(OperatorDefinition definition, int partition, CancellationToken cancellationToken)
    {
        CheckpointRun[]? damaged = null;
        while (await AskAsync(silo => silo.Ownerships.Find(partition)?.HostOf(definition.Id)?.Keys()).ConfigureAwait(false) is { } keys)
        {
            try
            {
                return await keys.ReadAsync(_engine.Storage, Silo.Options.RunWindowBytes, cancellationToken).ConfigureAwait(false);
            }
            catch (CorruptDataException) when (!ReferenceEquals(damaged, keys.Runs))
            {
                damaged = keys.Runs; // Merged while it was read; if they are the same the next time, they are damaged.
            }
        }

        return null;
    }

    /// <summary>Asks the silo something, inside its loop; the default answer when it has ended.</summary>
    public Task<T> AskAsync<T>(Func<Silo, T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new Question(silo => answer.TrySetResult(question(silo)), () => answer.TrySetResult(default!)));
        return answer.Task;
    }

    /// <summary>
    /// Gives up an incarnation whose loop is held up by a turn, from another thread: when the turn returns, the loop ends at
    /// its next port call.
    /// </summary>
    public void GiveUp(string reason)
    {
        _failed = true;
        End();
        _host.Ended(this, reason);
    }

    /// <summary>Stops the loop as a crash would, and waits until nothing of it runs any more.</summary>
    public async Task AbandonAsync()
    {
        _abandoned = true;
        await _cancel.CancelAsync().ConfigureAwait(false);
        _signal.Set();
        Task finished = await Task.WhenAny(_ended.Task, Task.Delay(TimeSpan.FromSeconds(5), _engine.Time)).ConfigureAwait(false);
        while (finished == _ended.Task && Volatile.Read(ref _pendingStorage) > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), _engine.Time).ConfigureAwait(false);
        }
    }

    void ISiloPorts.Submit(Request request) => RunOutside(request, storage: true);

    void ISiloPorts.Append(Request request)
    {
        // To the writer's own thread without waking another one first: every event waits for this.
        ThrowIfAbandoned();
        Interlocked.Increment(ref _pendingStorage);
        request.Prepare(_engine.Storage, _storageEnded, _cancel.Token).Execute();
    }

    void ISiloPorts.Start(Request request) => RunOutside(request, storage: false);

    bool ISiloPorts.HostsGrains => _engine.Cluster.Grains is not null;

    void ISiloPorts.Run(HostedTurn turn)
    {
        ThrowIfAbandoned();
        if (_engine.Cluster.Grains is { } grains && turn.Host.Type.Definition.Options.Hosting == OperatorHosting.GrainPerKey)
        {
            grains.Run(this, turn);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(turn, preferLocal: false);
        }
    }

    void ISiloPorts.Release(object seat) => _engine.Cluster.Grains?.Release(seat);

    void ISiloPorts.PostTurnEnd(Turn turn) => Post(turn);

    void ISiloPorts.Send(int toJournal, SiloMessage message)
    {
        ThrowIfAbandoned();
        _engine.Cluster.Find(toJournal)?.Send(message);
    }

    void ISiloPorts.Joined(int journal)
    {
        ThrowIfAbandoned();
        _engine.Cluster.Joined(this, journal);
    }

    void ISiloPorts.RecordRead(ClusterRecord record) => _engine.Cluster.RecordRead(record);

    void ISiloPorts.Stopped(string reason, Exception? error)
    {
        ThrowIfAbandoned();
        _abandoned = true;
    }

    private void RunOutside(Request request, bool storage)
    {
        ThrowIfAbandoned();
        if (storage)
        {
            Interlocked.Increment(ref _pendingStorage);
        }

        ThreadPool.UnsafeQueueUserWorkItem(request.Prepare(_engine.Storage, storage ? _storageEnded : _workEnded, _cancel.Token), preferLocal: false);
    }

    private void StorageEnded(Request request)
    {
        Interlocked.Decrement(ref _pendingStorage);
        Post(request);
    }

    private void ThrowIfAbandoned()
    {
        if (_abandoned)
        {
            throw new SiloKilledException();
        }
    }

    private void Run()
    {
        try
        {
            Silo.Start();
            while (!_abandoned)
            {
                int taken = 0;
                while (taken++ < InputsPerStep && _inputs.TryDequeue(out object? input))
                {
                    Take(input);
                }

                if (_abandoned)
                {
                    break;
                }

                bool more = Silo.Step(!_inputs.IsEmpty);
                if (!more && _inputs.IsEmpty && !_abandoned)
                {
                    Sleep();
                }
            }
        }
        catch (SiloKilledException)
        {
            // Killed between two port calls.
        }
        catch (Exception e)
        {
            _engine.LogLoopFailed(_host.Name, e);
            _failed = true;
        }

        End();
    }

    private void Sleep()
    {
        _signal.Reset();
        long wait = Silo.NextWakeMs - TicksMs;
        if (_inputs.IsEmpty && !_abandoned && wait > 0)
        {
            _signal.Wait((int)Math.Min(wait, 1000));
        }
    }

    private void Take(object input)
    {
        switch (input)
        {
            case SiloMessage message:
                Silo.Receive(message);
                break;
            case Request request:
                Silo.Complete(request);
                break;
            case IngestBatch batch:
                Silo.Ingest(batch);
                break;
            case List<IngestBatch> batches:
                foreach (IngestBatch batch in batches)
                {
                    Silo.Ingest(batch);
                }

                BatchLists.Return(batches);
                break;
            case Turn turn:
                Silo.TurnEnded(turn);
                break;
            case MembershipView view:
                Silo.MembershipChanged(view);
                break;
            case StateQuery query:
                Silo.Read(query);
                break;
            case Question question:
                question.Ask(Silo);
                break;
        }
    }

    /// <summary>Whoever waits for this incarnation is told; those whose events it had appended must look at its seal.</summary>
    private void End()
    {
        _abandoned = true;
        _cancel.Cancel();
        if (Interlocked.Exchange(ref _over, 1) != 0)
        {
            return; // The watchdog has given it up.
        }

        foreach (Partition partition in Silo.Ownerships.Active)
        {
            if (!partition.Lost)
            {
                partition.Lose();
            }
        }

        _ended.TrySetResult();
        RefuseInputs();
        if (Silo.Phase == SiloPhase.Stopped || _failed)
        {
            _host.Ended(this, Silo.StopReason ?? "stopped");
        }
    }

    private void RefuseInputs()
    {
        while (_inputs.TryDequeue(out object? input))
        {
            switch (input)
            {
                case IngestBatch batch:
                    batch.Done(new IngestResult(IngestStatus.NotHere));
                    break;
                case List<IngestBatch> batches:
                    batches.ForEach(static b => b.Done(new IngestResult(IngestStatus.NotHere)));
                    break;
                case StateQuery query:
                    query.Answer(StateAnswer.Moved);
                    break;
                case Question question:
                    question.Refuse();
                    break;
            }
        }
    }

    private sealed record Question(Action<Silo> Ask, Action Refuse);
}
