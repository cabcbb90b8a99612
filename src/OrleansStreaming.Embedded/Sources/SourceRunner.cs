using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Embedded;

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
        while (!_cancel.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(_cancel.Token).ConfigureAwait(false);
                Engine.LogSourceCompleted(Definition.Name, Position);
                Ended.TrySetResult();
                return;
            }
            catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Engine.LogSourceFailed(Definition.Name, delay.TotalMilliseconds, e);
                Engine.SourceErrors[Definition.Name] = e.Message;
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
        }
    }
}

/// <inheritdoc/>
internal sealed class SourceRunner<TEvent>(StreamingEngine engine, SourceDefinition definition) : SourceRunner(engine, definition)
{
    private const int MaxBatchEvents = 256;
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);
    private readonly EventType<TEvent> _type = (EventType<TEvent>)definition.EventType;
    private readonly byte[] _id = System.Text.Encoding.UTF8.GetBytes("\0source:" + definition.Name); // No client's id begins so.

    protected override async Task ReadAsync(CancellationToken cancellationToken)
    {
        long[] stored = await Task.WhenAll(Enumerable.Range(0, Definition.To.PartitionCount).Select(i => AskAsync(i, cancellationToken))).ConfigureAwait(false);
        var lanes = new Lane[stored.Length];
        for (int i = 0; i < lanes.Length; i++)
        {
            lanes[i] = new Lane { Last = stored[i], Sent = stored[i] };
        }

        long after = stored.Min();
        Engine.LogSourceStarted(Definition.Name, after);
        var source = (ISource<TEvent>)Definition.Factory(Engine.Services);
        var encoder = new IngestEncoder(Definition.To);
        await using IAsyncEnumerator<SourceEvent<TEvent>> events = source.ReadAsync(after, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            ValueTask<bool> next = events.MoveNextAsync();
            if (!next.IsCompleted)
            {
                // The input pauses: what has gathered goes.
                encoder = await SendAsync(encoder, lanes, cancellationToken).ConfigureAwait(false);
            }

            if (!await next.ConfigureAwait(false))
            {
                break;
            }

            (long position, TEvent value) = events.Current;
            encoder.AddUnlessStored(_type, in value, position, lanes);
            Engine.SourceErrors.TryRemove(Definition.Name, out _);
            if (encoder.Count >= MaxBatchEvents)
            {
                encoder = await SendAsync(encoder, lanes, cancellationToken).ConfigureAwait(false);
            }
        }

        await SendAsync(encoder, lanes, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(lanes.Select(l => l.Sending)).ConfigureAwait(false);
        Position = lanes.Max(l => l.Last);
    }

    /// <summary>The last position that a partition has.</summary>
    private async Task<long> AskAsync(int index, CancellationToken cancellationToken)
    {
        var nothing = new IngestEncoder.Part(PartitionId.Of(Definition.To, index), index);
        while (true)
        {
            IngestResult result = await Engine.IngestPartAsync(nothing, _id, 0, long.MinValue, cancellationToken).ConfigureAwait(false);
            if (result.Status == IngestStatus.OutOfOrder)
            {
                return result.Position;
            }

            await Task.Delay(BusyWait, Engine.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<IngestEncoder> SendAsync(IngestEncoder gathered, Lane[] lanes, CancellationToken cancellationToken)
    {
        foreach (IngestEncoder.Part part in gathered.Parts)
        {
            Lane lane = lanes[part.Index];
            await lane.Sending.ConfigureAwait(false); // One batch at a time per partition; the partitions do not wait for each other.
            long previous = lane.Sent;
            lane.Sent = lane.Last;
            lane.Sending = SendPartAsync(part, previous, lane.Last, cancellationToken);
        }

        return gathered.Count == 0 ? gathered : new IngestEncoder(Definition.To);
    }

    private async Task SendPartAsync(IngestEncoder.Part part, long previous, long last, CancellationToken cancellationToken)
    {
        while (true)
        {
            IngestResult result = await Engine.IngestPartAsync(part, _id, 0, previous, cancellationToken).ConfigureAwait(false);
            switch (result.Status)
            {
                case IngestStatus.Durable:
                case IngestStatus.OutOfOrder when result.Position == last:
                    return;
                case IngestStatus.OutOfOrder when result.Position != previous:
                    throw new InvalidOperationException(
                        $"source {Definition.Name}: partition {part.Index} stands at {result.Position}, expected {previous} or {last}; it is read again");
                default:
                    await Task.Delay(BusyWait, Engine.Time, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }
}

/// <summary>One partition of a source's stream.</summary>
internal sealed class Lane
{
    /// <summary>The position of the last event that was stored or gathered.</summary>
    public long Last { get; set; }

    /// <summary>The position of the last event that was sent.</summary>
    public long Sent { get; set; }

    public Task Sending { get; set; } = Task.CompletedTask;
}
