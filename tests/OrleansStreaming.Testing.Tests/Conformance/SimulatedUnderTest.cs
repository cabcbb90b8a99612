using System.Collections.Concurrent;
using OrleansStreaming.Core;
using OrleansStreaming.Testing.Simulation;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>
/// The simulator's storage outside of a run: one thread plays the schedule, and lets what waits pass in an order drawn from
/// a seed. Each instance is what one silo sees.
/// </summary>
internal sealed class SimulatedUnderTest : IStorageUnderTest
{
    private readonly BlockingCollection<Action> _inbox = [];
    private readonly List<Hold> _holds = [];
    private readonly SimulatedWorld _world;
    private readonly Thread _thread;
    private LostAnswer? _lost;
    private int _opened;

    public SimulatedUnderTest(ulong seed)
    {
        _world = new SimulatedWorld(seed, new NamedScenario("storage", "storage alone, no faults", random => Scenario.Draw(random) with { Rates = new FaultRates() }));
        _thread = new Thread(Run) { IsBackground = true, Name = "simulated storage" };
        _thread.Start();
    }

    public StorageAbilities Abilities => StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes | StorageAbilities.LosesAnswers;

    /// <summary>What the simulator's own checkers have found.</summary>
    public string? Failure => _world.Failure?.ToString();

    public async ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken) => await OnThreadAsync<IStorage>(() =>
        new(new SimulatedInstance(this, new SimulatedStorage(_world, new SimulatedSilo(_world, $"silo{_opened++ % 10}", _opened, 0))))).ConfigureAwait(false);

    public void PauseAppend(IStorage storage, string journal, AppendPause pause) => _inbox.Add(() => _holds.Add(new Hold(journal, pause)));

    public async ValueTask CrashAsync(IStorage storage, string journal, Random random) => await OnThreadAsync(() =>
    {
        ((SimulatedInstance)storage).Dead.TryAdd(journal, true);
        int at = Enumerable.Range(0, _world.Gates.Waiting.Count).Single(i => IsAppend(_world.Gates.Waiting[i], journal));
        Gate gate = _world.Gates.Take(at);
        gate.Tear?.Invoke(random.Next(1000));
        gate.Refuse(new StorageException("the writer is dead") { Ambiguous = true });
        return new ValueTask<bool>(true);
    }).ConfigureAwait(false);

    public void LoseAnswer(IStorage storage, StorageCall call, bool takesEffect) => _inbox.Add(() => _lost = new LostAnswer(call, takesEffect));

    public ValueTask DisposeAsync()
    {
        _inbox.CompleteAdding();
        _thread.Join();
        _inbox.Dispose();
        return default;
    }

    /// <summary>Starts something on the thread of the world; whoever waits for it goes on elsewhere.</summary>
    public Task<T> OnThreadAsync<T>(Func<ValueTask<T>> start)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _inbox.Add(() => start().AsTask().ContinueWith(answer.SetFromTask, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default));
        return answer.Task;
    }

    /// <summary>Continues something on the thread of the world.</summary>
    public void Post(Action action)
    {
        if (!_inbox.IsAddingCompleted)
        {
            _inbox.Add(action);
        }
    }

    private static bool IsAppend(Gate gate, string journal) => gate.Kind is GateKind.Append or GateKind.Confirm && gate.What.Target == journal;

    private void Run()
    {
        while (!_inbox.IsCompleted)
        {
            int next = Next();
            if (_inbox.TryTake(out Action? action, next < 0 ? Timeout.Infinite : 0))
            {
                action();
            }
            else if (next >= 0)
            {
                Pass(_world.Gates.Waiting[next], next);
            }
        }
    }

    /// <summary>Any of those that are not held up.</summary>
    private int Next()
    {
        int count = 0, next = -1;
        for (int i = 0; i < _world.Gates.Waiting.Count; i++)
        {
            if (!IsHeld(_world.Gates.Waiting[i]) && _world.Random.Below(++count) == 0)
            {
                next = i;
            }
        }

        return next;
    }

    private bool IsHeld(Gate gate)
    {
        foreach (Hold hold in _holds)
        {
            if (IsAppend(gate, hold.Journal) && (hold.Gate ?? gate) == gate && gate.Kind == (hold.Pause.Step == AppendStep.BeforeWrite ? GateKind.Append : GateKind.Confirm))
            {
                if (hold.Gate is null)
                {
                    hold.Gate = gate;
                    hold.Released = hold.Pause.Arrive();
                    _ = hold.Released.ContinueWith(_ => Post(() => { }), TaskScheduler.Default);
                }

                if (!hold.Released!.IsCompleted)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void Pass(Gate gate, int at)
    {
        if (_lost is { } lost && lost.Strikes(gate))
        {
            _lost = null;
            _world.Gates.Take(at);
            var error = new StorageException($"{gate.What} was not answered") { Ambiguous = true };
            if (lost.TakesEffect)
            {
                gate.PassAndRefuse(error);
            }
            else
            {
                gate.Refuse(error);
            }
        }
        else
        {
            _world.Gates.Pass(at);
        }
    }

    private sealed record Hold(string Journal, AppendPause Pause)
    {
        public Gate? Gate { get; set; }

        public Task? Released { get; set; }
    }

    private sealed record LostAnswer(StorageCall Call, bool TakesEffect)
    {
        public bool Strikes(Gate gate) => Call switch
        {
            StorageCall.CreateJournal => gate.What.Verb == "create",
            StorageCall.Append => gate.Kind == (TakesEffect ? GateKind.Confirm : GateKind.Append),
            StorageCall.SealJournal => gate.What.Verb == "fence",
            StorageCall.SwapRecord => gate.What.Verb == "swap",
            _ => gate.What.Verb == "write",
        };
    }
}
