using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Starts the engine before the silo becomes active, and stops it while it still is: its partitions go to the others before
/// Orleans takes anything down.
/// </summary>
internal sealed class EngineLifecycle(StreamingEngine engine, StreamingMetrics metrics) : ILifecycleParticipant<ISiloLifecycle>
{
    private const string Name = "OrleansStreaming";
    private readonly StreamingMetrics _metrics = metrics; // Observed from now on.

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(Name, ServiceLifecycleStage.ApplicationServices, engine.StartAsync, _ => Task.CompletedTask);
        lifecycle.Subscribe(Name, ServiceLifecycleStage.Active, _ => Task.CompletedTask, engine.StopAsync);
    }
}
