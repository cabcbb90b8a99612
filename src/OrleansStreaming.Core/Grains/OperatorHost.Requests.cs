namespace OrleansStreaming.Core;

/// <summary>
/// Timers and recorded calls. What a grain waits for is part of its state; when it comes, it is appended to the partition
/// that the grain reads, addressed to it and named by the input that asked, unless a record of that name is there already.
/// </summary>
internal sealed partial class OperatorHost
{
    /// <summary>Calls that have been started and have no answer yet.</summary>
    private int _openCalls;

    /// <summary>Grains that wait for timers or answers, and perhaps some that no longer do.</summary>
    private readonly HashSet<Grain> _waiting = [];

    private static PendingRequest? FindRequest(Grain grain, RecordKind kind, RecordName name) =>
        grain.Pending?.Find(r => r.Kind == kind && r.Name == name);

    private void TakeRequests(Grain grain, TurnContext context)
    {
        foreach (string cancelled in context.CancelledTimers)
        {
            grain.Pending?.RemoveAll(r => r.Kind == RecordKind.Timer && r.Tag == cancelled);
        }

        if (context.Requests.Count > 0)
        {
            // A copy: an undo copy may share the list.
            grain.Pending = grain.Pending is null ? [.. context.Requests] : [.. grain.Pending, .. context.Requests];
            _waiting.Add(grain);
            foreach (PendingRequest request in context.Requests)
            {
                Arm(grain, request);
            }
        }
    }

    /// <summary>Sees to it that all that a grain waits for will come.</summary>
    private void ArmRequests(Grain grain)
    {
        if (grain.Pending is { Count: > 0 } pending)
        {
            _waiting.Add(grain);
            foreach (PendingRequest request in pending.ToArray())
            {
                Arm(grain, request);
            }
        }
    }

    /// <summary>Records of the partition have become void: what they brought must come again.</summary>
    public void ArmAgain()
    {
        _waiting.RemoveWhere(grain => grain.Pending is not { Count: > 0 });
        foreach (Grain grain in _waiting)
        {
            ArmRequests(grain);
        }
    }

    private void Arm(Grain grain, PendingRequest request)
    {
        int generation = grain.Generation;
        if (request.Kind == RecordKind.Timer)
        {
            _silo.At(request.Due, () => Fire(grain, generation, request, System.Text.Encoding.UTF8.GetBytes(request.Tag)));
        }
        else
        {
            StartCall(grain, generation, request, 1);
        }
    }

    private void Fire(Grain grain, int generation, PendingRequest request, byte[] payload)
    {
        bool wanted = !_partition.Lost && grain.Generation == generation && grain.Pending?.Contains(request) == true;
        if (wanted && _partition.TurnsStopped)
        {
            _silo.After(_silo.Options.StorageRetryMs, () => Fire(grain, generation, request, payload));
            return;
        }

        if (wanted && (Mutations.FireTwice || !_partition.Self.Contains(request.Kind, Id, grain.Key, request.Name)))
        {
            _partition.AppendSelf(request.Kind, Id, grain, request.Name, payload);
            _silo.Counters.Fired++;
        }
    }

    private void StartCall(Grain grain, int generation, PendingRequest request, int attempt)
    {
        if (_partition.Lost || grain.Generation != generation || grain.Pending?.Contains(request) != true
            || _partition.Self.Contains(request.Kind, Id, grain.Key, request.Name))
        {
            _openCalls -= attempt > 1 ? 1 : 0;
            return;
        }

        _openCalls += attempt == 1 ? 1 : 0;
        OperatorGrain? instance = grain.Instance;
        _silo.Start(new Request<byte[]>(
            $"call {request.Tag}",
            (_, cancel) => Type.Call(instance, request.Tag, request.Request, cancel),
            (answer, error) => Called(grain, generation, request, attempt, answer, error)));
    }

    private void Called(Grain grain, int generation, PendingRequest request, int attempt, byte[]? answer, Exception? error)
    {
        OperatorOptions options = Type.Definition.Options;
        if (error is not null && attempt < options.MaxAttempts)
        {
            double delay = Math.Min(options.RetryDelay.TotalMilliseconds * (1 << Math.Min(attempt - 1, 16)), options.MaxRetryDelay.TotalMilliseconds);
            _silo.After((long)delay, () => StartCall(grain, generation, request, attempt + 1));
            return;
        }

        _openCalls--;
        if (error is not null)
        {
            _silo.Log.CallFailed(_silo.Name, Type.Definition.Name, Type.KeyText(grain.Key), request.Tag, attempt, error);
        }

        Fire(grain, generation, request, answer ?? CallAnswer.Failure($"{error!.GetType().Name}: {error.Message}"));
    }
}
