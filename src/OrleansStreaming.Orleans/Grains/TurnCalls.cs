using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Orleans.Metadata;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Turns that go to their grains by calls, away from the loop. A call has no answer; a turn that has not begun some time
/// after its call is sent again, as long as somebody waits for it. Several calls may arrive: the turn begins once.
/// </summary>
internal sealed class TurnCalls : IThreadPoolWorkItem, IDisposable
{
    private const int WarnAfter = 10;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly GrainType Type = GrainType.Create(GrainIdentity.Type);
    private readonly IGrainFactory _grains;

    /// <summary>Found once: to find it by the type of C# formats that as text, each time.</summary>
    private readonly GrainInterfaceType _interface;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<TurnCall> _waiting = new();
    private readonly ConcurrentQueue<TurnCall> _sent = new();
    private readonly ITimer _timer;
    private int _sending;
    private int _looking;

    public TurnCalls(IGrainFactory grains, GrainInterfaceTypeResolver interfaces, ILoggerFactory loggers, TimeProvider time)
    {
        _grains = grains;
        _interface = interfaces.GetGrainInterfaceType(typeof(IOperatorActivation));
        _logger = loggers.CreateLogger("OrleansStreaming.Grains");
        _time = time;
        _timer = time.CreateTimer(static self => ((TurnCalls)self!).Look(), this, LookEvery, LookEvery);
    }

    /// <summary>Sends a turn to its grain, soon. From any thread.</summary>
    public void Add(Seat seat, HostedTurn turn) => Add(new TurnCall(seat, turn, 1));

    public void Dispose() => _timer.Dispose();

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (_waiting.TryDequeue(out TurnCall call))
            {
                Send(call);
            }

            Volatile.Write(ref _sending, 0);
        }
        while (!_waiting.IsEmpty && Interlocked.Exchange(ref _sending, 1) == 0);
    }

    private void Add(in TurnCall call)
    {
        _waiting.Enqueue(call);
        if (Interlocked.Exchange(ref _sending, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void Send(TurnCall call)
    {
        if (call.IsOver)
        {
            call.GiveUp();
            return;
        }

        _sent.Enqueue(call with { SentAt = _time.GetTimestamp() });
        try
        {
            var grain = (IOperatorActivation)_grains.GetGrain(GrainId.Create(Type, IdSpan.Create(call.Seat.GrainKey)), _interface);
            ValueTask sent = grain.RunAsync(new TurnTicket(call.Seat, call.Turn));
            if (!sent.IsCompletedSuccessfully)
            {
                _ = FailAsync(sent.AsTask(), call);
            }
        }
        catch (Exception e)
        {
            GrainLog.NotReached(_logger, call.Operator, call.Key, e);
        }
    }

    private async Task FailAsync(Task sent, TurnCall call)
    {
        try
        {
            await sent.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            GrainLog.NotReached(_logger, call.Operator, call.Key, e);
        }
    }

    /// <summary>Looks at those that have been sent long enough ago, oldest first.</summary>
    private void Look()
    {
        if (Interlocked.Exchange(ref _looking, 1) != 0)
        {
            return;
        }

        while (_sent.TryPeek(out TurnCall call) && (call.IsOver || _time.GetElapsedTime(call.SentAt) >= Patience) && _sent.TryDequeue(out call))
        {
            if (call.Turn.HasBegun)
            {
                continue;
            }

            if (!call.IsOver && call.Attempt % WarnAfter == 0)
            {
                GrainLog.StillNotReached(_logger, call.Operator, call.Key, call.Attempt);
            }

            Add(call with { Attempt = call.Attempt + 1 });
        }

        Volatile.Write(ref _looking, 0);
    }

    private readonly record struct TurnCall(Seat Seat, HostedTurn Turn, int Attempt)
    {
        public long SentAt { get; init; }

        public string Operator => Turn.Host.Type.Definition.Name;

        public string Key => Turn.Host.Type.KeyText(Turn.Grain.Key);

        /// <summary>It has arrived, or nobody waits for it.</summary>
        public bool IsOver => Turn.HasBegun || Turn.Discarded || Turn.Host.Stopping.IsCancellationRequested;

        /// <summary>Every turn ends, as the core counts them: one that nobody waits for does nothing else.</summary>
        public void GiveUp()
        {
            if (Turn.Discarded)
            {
                _ = Turn.RunAsync();
            }
        }
    }
}
