using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>
/// Feeds a source into its stream, exactly once. Every event carries its position; a partition takes a batch only if the
/// position before it is the last one that it has, so nothing can be skipped. A restart asks the partitions where they are.
/// </summary>
internal abstract class SourceRunner(StreamingEngine engine, SourceDefinition definition)
{
    private readonly CancellationTokenSource _cancel = CancellationTokenSource.CreateLinkedTokenSource(engine.Stopping);
    private Task _running = Task.CompletedTask;

    /// <summary>Completes at the end of the input.</summary>
    public Task Completion => Ended.Task;

    /// <summary>The position up to which everything is stored.</summary>
    public long Position { get; protected set; } = -1;

    /// <summary>Its last error stands in <see cref="StreamingEngine.SourceErrors"/>.</summary>
    protected bool HasFailed { get; set; }

    protected StreamingEngine Engine { get; } = engine;

    protected SourceDefinition Definition { get; } = definition;

    protected TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static SourceRunner Create(StreamingEngine engine, SourceDefinition definition) =>
        (SourceRunner)Activator.CreateInstance(typeof(SourceRunner<>).MakeGenericType(definition.EventType.ClrType), engine, definition)!;

    public void Start() => _running = Task.Run(RunAsync);

    public async Task StopAsync()
    {
        await _cancel.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    protected abstract Task ReadAsync(CancellationToken cancellationToken);

    private async Task RunAsync()
    {
        TimeSpan delay = TimeSpan.FromMilliseconds(100);
        while (await IsHereAsync().ConfigureAwait(false))
        {
            using CancellationTokenSource reading = CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token);
            Task watching = WatchAsync(reading);
            try
            {
                await ReadAsync(reading.Token).ConfigureAwait(false);
                Engine.LogSourceCompleted(Definition.Name, Position);
                Ended.TrySetResult();
                return;
            }
            catch (OperationCanceledException) when (reading.IsCancellationRequested)
            {
                continue; // The engine stops, or another process reads it from now on.
            }
            catch (Exception e)
            {
                Engine.LogSourceFailed(Definition.Name, delay.TotalMilliseconds, e);
                Engine.SourceErrors[Definition.Name] = e.Message;
                HasFailed = true;
                try
                {
                    await Task.Delay(delay, Engine.Time, _cancel.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                delay = TimeSpan.FromMilliseconds(Math.Min(10_000, delay.TotalMilliseconds * 2));
            }
            finally
            {
                await reading.CancelAsync().ConfigureAwait(false);
                await watching.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until the source is to be read in this process; false when the engine stops first.</summary>
    private async Task<bool> IsHereAsync()
    {
        while (!_cancel.IsCancellationRequested)
        {
            Task changed = Engine.Cluster.Changed;
            if (Engine.Cluster.Reads(Definition.Name))
            {
                return true;
            }

            await changed.WaitAsync(_cancel.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return false;
    }

    /// <summary>Ends the reading when the source is to be read elsewhere.</summary>
    private async Task WatchAsync(CancellationTokenSource reading)
    {
        while (!reading.IsCancellationRequested)
        {
            Task changed = Engine.Cluster.Changed;
            if (!Engine.Cluster.Reads(Definition.Name))
            {
                await reading.CancelAsync().ConfigureAwait(false);
                return;
            }

            await changed.WaitAsync(reading.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <inheritdoc/>
internal sealed class SourceRunner<TEvent>(StreamingEngine engine, SourceDefinition definition) : SourceRunner(engine, definition)
{
    private readonly EventType<TEvent> _type = (EventType<TEvent>)definition.EventType;

    protected override async Task ReadAsync(CancellationToken cancellationToken)
    {
        byte[] id = System.Text.Encoding.UTF8.GetBytes("\0source:" + Definition.Name); // No client's id begins so.
        Lane[] lanes = [.. Enumerable.Range(0, Definition.To.PartitionCount).Select(i => new Lane(Engine, Definition, i, id))];
        try
        {
            await ReadAsync(id, lanes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await Task.WhenAll(lanes.Select(l => l.SettleAsync(CancellationToken.None))).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(byte[] id, Lane[] lanes, CancellationToken cancellationToken)
    {
        await Task.WhenAll(lanes.Select(l => l.AskAsync(cancellationToken))).ConfigureAwait(false);
        long after = lanes.Min(l => l.Last);
        Engine.LogSourceStarted(Definition.Name, after);
        var source = (ISource<TEvent>)Definition.Factory(Engine.Services);
        IngestEncoder encoder = IngestEncoder.Take(Definition.To, id, 0);
        await using IAsyncEnumerator<SourceEvent<TEvent>> events = source.ReadAsync(after, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var pump = new SourcePump<TEvent>(_type, events, encoder, lanes, Engine.Time);
        for (PumpStop stop = pump.Run(); stop != PumpStop.End; stop = pump.Run())
        {
            if (HasFailed && pump.HasTaken)
            {
                HasFailed = false;
                Engine.SourceErrors.TryRemove(Definition.Name, out _);
            }

            if (stop == PumpStop.Full)
            {
                await pump.FullLane!.SendAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            await SendAllAsync(lanes, cancellationToken).ConfigureAwait(false);
            pump.Sent();
            if (stop == PumpStop.Pause)
            {
                pump.Resume(await pump.Next.ConfigureAwait(false));
            }
        }

        await SendAllAsync(lanes, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(lanes.Select(l => l.DrainAsync(cancellationToken))).ConfigureAwait(false);
        Position = lanes.Max(l => l.Last);
    }

    private static async ValueTask SendAllAsync(Lane[] lanes, CancellationToken cancellationToken)
    {
        foreach (Lane lane in lanes)
        {
            if (lane.Gathered > 0)
            {
                await lane.SendAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
