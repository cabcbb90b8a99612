using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>All silos stop in an orderly way and start again, one after the other, as when a new version is rolled out.</summary>
internal sealed class RollingRestart(SimulatedWorld world)
{
    private readonly Queue<string> _left = new(world.Membership.Names);
    private SimulatedSilo? _stopping;

    public bool IsOver => _left.Count == 0 && _stopping is null;

    /// <summary>Goes on when the silo whose turn it was has stopped, and runs again.</summary>
    public void Step()
    {
        if (_stopping is { Runs: true })
        {
            return;
        }

        if (_stopping is not null)
        {
            string name = _stopping.Name;
            _stopping = null;
            if (!world.Silos.Any(s => s.Name == name))
            {
                world.Totals.Restarts++;
                world.StartSilo(name);
            }
        }

        if (_left.Count == 0 || world.Silos.Any(s => s is { DeclaredDead: false, Silo.Phase: not SiloPhase.Running }))
        {
            return;
        }

        string next = _left.Dequeue();
        if (world.Silos.FirstOrDefault(s => s.Name == next && s is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 }) is { } silo)
        {
            _stopping = silo;
            world.ShutDown(silo);
        }
    }
}
