using System.Collections.Concurrent;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Embedded;

/// <summary>All silos are in this process: it knows itself who lives.</summary>
internal sealed class LocalCluster(int silos) : ICluster
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<int, SiloIncarnation> _byJournal = new();
    private readonly Dictionary<string, int> _live = [];
    private readonly HashSet<int> _dead = [];

    public IReadOnlyList<string> LocalSilos { get; } = [.. Enumerable.Range(0, silos).Select(i => $"silo{i}")];

    public string? Host => null;

    public bool HasOthers => false;

    public Task Changed { get; } = new TaskCompletionSource().Task;

    public Task<IReadOnlyList<EngineReport>> AskOthersAsync() => Task.FromResult<IReadOnlyList<EngineReport>>([]);

    public ValueTask StartAsync(StreamingEngine engine, ClusterRecord record, CancellationToken cancellationToken)
    {
        // Whoever wrote here before is gone.
        _dead.UnionWith(Enumerable.Range(0, record.Journals.Count).Where(journal => !record.IsSealed(journal)));
        return ValueTask.CompletedTask;
    }

    public bool Reads(string source) => true;

    public ValueTask<bool> LeaveAsync(CancellationToken cancellationToken) => ValueTask.FromResult(false);

    public ValueTask MeetAsync(StopStage stage, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void Joined(SiloIncarnation incarnation, int journal)
    {
        lock (_lock)
        {
            _byJournal[journal] = incarnation;
            _live[incarnation.Silo.Name] = journal;
            PublishView();
        }
    }

    public void Ended(SiloIncarnation incarnation)
    {
        int journal = incarnation.Silo.Journal.Id;
        if (journal < 0)
        {
            return;
        }

        lock (_lock)
        {
            _byJournal.TryRemove(journal, out _);
            _live.Remove(incarnation.Silo.Name);
            _dead.Add(journal);
            PublishView();
        }
    }

    public void RecordRead(ClusterRecord record)
    {
    }

    public ISiloLink? Find(int journal) => _byJournal.GetValueOrDefault(journal);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void PublishView()
    {
        var view = new MembershipView(LocalSilos, new Dictionary<string, int>(_live), new HashSet<int>(_dead));
        foreach (SiloIncarnation member in _byJournal.Values)
        {
            member.Post(view);
        }
    }
}
