using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// Looks for turns that block their silo's thread instead of awaiting. Such a silo is given up as if it had crashed, so that
/// its other grains go on elsewhere, and from then on turns of that operator run away from the loops.
/// </summary>
internal sealed class LoopWatchdog(StreamingEngine engine)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private readonly ConcurrentDictionary<string, bool> _blocking = new();
    private readonly Dictionary<SiloIncarnation, Sighting> _seen = [];

    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Operators that have been seen to block.</summary>
    public IReadOnlySet<string> Blocking => _blocking.Keys.ToHashSet();

    public void Start() => Completion = WatchAsync();

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(LookEvery, engine.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(engine.Stopping).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The engine stops.
        }
    }

    private void Look()
    {
        SiloIncarnation[] current = [.. engine.Hosts.Select(h => h.Current).OfType<SiloIncarnation>()];
        foreach (SiloIncarnation gone in _seen.Keys.Except(current).ToArray())
        {
            _seen.Remove(gone);
        }

        foreach (SiloIncarnation incarnation in current)
        {
            Silo silo = incarnation.Silo;
            OperatorHost? running = silo.Running;
            var now = new Sighting(running, silo.RunningOffset, silo.Counters.Events + silo.Counters.Throws, engine.Time.GetTimestamp());
            if (running is null || !_seen.TryGetValue(incarnation, out Sighting? before) || !now.IsSameTurn(before))
            {
                _seen[incarnation] = now;
                continue;
            }

            TimeSpan held = engine.Time.GetElapsedTime(before.Since, now.Since);
            if (held >= running.Type.Definition.Options.TurnTimeout)
            {
                string name = running.Type.Definition.Name;
                _blocking[name] = true;
                engine.LogLoopBlocked(silo.Name, name, new Offset(now.Offset).ToString(), held.TotalSeconds);
                incarnation.GiveUp($"a turn of operator {name} blocks its thread");
            }
        }
    }

    private sealed record Sighting(OperatorHost? Running, long Offset, long Turns, long Since)
    {
        public bool IsSameTurn(Sighting other) => Running == other.Running && Offset == other.Offset && Turns == other.Turns;
    }
}
