using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A silo that has been asked to stop in good order, and goes through the steps of that as an engine has it do.</summary>
internal sealed class SimulatedStop(SimulatedWorld world, SimulatedSilo silo)
{
    /// <summary>How long an engine gives a stop among faults; then the silo goes as in a crash.</summary>
    private const long LimitMs = 5000;

    /// <summary>Without faults it must end by itself.</summary>
    private const long LongestMs = 120_000;

    private readonly long _sinceMs = world.NowMs;
    private IReadOnlyList<StopStep>? _steps;
    private bool _taken;
    private int _at;

    /// <summary>How far it has come where all stop together.</summary>
    public StopStage Stage { get; private set; }

    /// <summary>Others are to take its partitions over, and it waits for nobody.</summary>
    public bool OthersStay => _steps == StopStep.WhereOthersStay;

    /// <summary>Goes on with it. False when it has taken too long.</summary>
    public bool Step()
    {
        if (_steps is null)
        {
            if (world.NowMs - _sinceMs < world.Scenario.LeaveMs)
            {
                return true; // Silos that stop together are not all asked at the same moment.
            }

            _steps = world.Membership.AnyStays ? StopStep.WhereOthersStay : StopStep.WhereNobodyStays;
            world.Trace($"{silo.Label}: {(OthersStay ? "others stay" : "nobody stays")}");
            world.Membership.Update();
        }

        if (silo.Silo.Phase is SiloPhase.Running or SiloPhase.Draining && silo.Runs)
        {
            Take(_steps[_at]);
        }

        return IsInTime();
    }

    private void Take(StopStep step)
    {
        if (!_taken && step.Take(silo.Silo))
        {
            world.Trace($"{silo.Label}: {step.What}: done");
            _taken = true;
            Stage = step.Meets > Stage ? step.Meets : Stage;
            world.Membership.Update();
        }

        if (_taken && (step.Meets == StopStage.Working || HearsThatOthersAreAt(step.Meets)))
        {
            _taken = false;
            _at = Math.Min(_at + 1, _steps!.Count - 1);
        }
    }

    /// <summary>Who stays, or waits for nobody, comes to no stage; the latter is gone soon.</summary>
    private bool HearsThatOthersAreAt(StopStage stage)
    {
        foreach (SimulatedSilo other in world.Silos)
        {
            if (other is { DeclaredDead: false, Journal: >= 0 } && (other.Stop is not null || SimulationMutations.AwaitWhoStays) && !(other.Stop?.Stage >= stage))
            {
                return false;
            }
        }

        return !world.Faulty || world.Random.Chance(700); // The news of it takes a while.
    }

    private bool IsInTime()
    {
        long faultMs = world.Faults.LastMs;
        if (world.NowMs - Math.Max(_sinceMs, faultMs) > LongestMs)
        {
            world.Oracle.Progress.CheckStop(silo, died: faultMs >= _sinceMs, $"at '{_steps?[_at].What ?? "leave"}'");
            return false;
        }

        return faultMs < _sinceMs || world.NowMs - _sinceMs <= LimitMs || !world.Faulty;
    }
}
