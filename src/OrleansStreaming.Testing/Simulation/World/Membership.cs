using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Who is taken to live and who is to serve. Silos hear of a change one by one, when the schedule says so.</summary>
internal sealed class Membership
{
    private readonly SimulatedWorld _world;
    private HashSet<string> _planned;
    private MembershipView _view;
    private int _version;

    public Membership(SimulatedWorld world, IReadOnlyList<string> names)
    {
        _world = world;
        Names = names;
        _planned = [.. names];
        _view = new MembershipView([.. names], new Dictionary<string, int>(), new HashSet<int>());
    }

    /// <summary>All silos, whether they run or not.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Some silo lives that has not been asked to stop.</summary>
    public bool AnyStays => _world.Silos.Any(static s => IsLive(s) && !s.ShuttingDown);

    /// <summary>All silos live and are known to.</summary>
    public bool IsComplete => _view.Live.Count == Names.Count;

    /// <summary>Another set of silos shall serve: partitions move.</summary>
    public void Replan()
    {
        Plan(Names.Where(_ => _world.Random.Chance(600)));
        _world.Trace($"planned: {string.Join(' ', _planned)}");
        Update();
    }

    /// <summary>Certain silos shall serve, or all when it is none: partitions move. <see cref="Update"/> follows.</summary>
    public void Plan(params IEnumerable<string> names)
    {
        _planned = [.. names];
        if (_planned.Count == 0)
        {
            PlanAll();
        }
    }

    /// <summary>All silos shall serve. <see cref="Update"/> follows.</summary>
    public void PlanAll() => _planned = [.. Names];

    /// <summary>Finds out what is so now.</summary>
    public void Update()
    {
        var live = new Dictionary<string, int>();
        foreach (SimulatedSilo silo in _world.Silos)
        {
            if (IsLive(silo))
            {
                live[silo.Name] = silo.Journal;
            }
        }

        HashSet<int> dead = Dead();
        string[] names = [.. Names.Where(_planned.Contains)];
        string[]? placed = null;
        bool nobodyStays = false;
        if (_world.Silos.Any(static s => s is { DeclaredDead: false, ShuttingDown: true }))
        {
            names = Places(live.Keys);
            nobodyStays = !AnyStays;
            int count = _world.Topology.Streams.Sum(static s => s.PartitionCount);
            placed = [.. Enumerable.Range(0, count).Select(i => names[i % names.Length])];
        }

        bool same = names.SequenceEqual(_view.Names) && placed is null == _view.Placed is null && nobodyStays == _view.NobodyStays && dead.SetEquals(_view.Dead) && live.Count == _view.Live.Count
            && live.All(l => _view.Live.TryGetValue(l.Key, out int journal) && journal == l.Value);
        if (!same)
        {
            _view = new MembershipView(names, live, dead, placed, NobodyStays: nobodyStays);
            _version++;
            _world.Trace($"view {_version}: names {string.Join(' ', names)}, live {string.Join(' ', live.Select(l => $"{l.Key}=J{l.Value}"))}, dead {string.Join(' ', dead.Select(d => $"J{d}"))}");
        }
    }

    /// <summary>A silo hears of the newest view, if it takes part by now.</summary>
    public void Tell(SimulatedSilo silo)
    {
        if (silo.Runs && silo.ViewVersion < _version && silo.Silo.Phase is SiloPhase.Running or SiloPhase.Draining)
        {
            silo.ViewVersion = _version;
            _world.Trace($"{silo.Label} hears of view {_version}");
            _world.Guard(silo, static (silo, view) => silo.Silo.MembershipChanged(view), _view);
        }
    }

    /// <summary>Journals of silos that are gone have not been sealed yet.</summary>
    public bool HasUnsealed()
    {
        HashSet<int> dead = Dead();
        dead.ExceptWith(_world.Record().Seals.Select(s => s.Journal));
        return dead.Count > 0;
    }

    private static bool IsLive(SimulatedSilo silo) => silo is { Runs: true, DeclaredDead: false, Journal: >= 0 };

    /// <summary>
    /// Where partitions are placed while some silos are to stop: on those that stay, or where none does, on those that live
    /// until all of them stop together. One that has come to rest claims nothing, and others may still join and send.
    /// </summary>
    private string[] Places(IEnumerable<string> live)
    {
        SimulatedSilo[] silos = [.. _world.Silos.Where(IsLive).OrderBy(static s => s.Name, StringComparer.Ordinal)];
        Func<SimulatedSilo, bool>[] choices =
        [
            s => !s.ShuttingDown && _planned.Contains(s.Name),
            static s => !s.ShuttingDown,
            static s => s.Stop is { OthersStay: false, Stage: < StopStage.Resting } || SimulationMutations.PlaceOnLeaving,
            static s => s.Stop is { OthersStay: false },
        ];
        IEnumerable<string> names = choices.Select(c => silos.Where(c).Select(static s => s.Name)).FirstOrDefault(static n => n.Any(), live);
        return [.. names.DefaultIfEmpty(Names[0])];
    }

    /// <summary>The journals that nobody who is taken to live writes to.</summary>
    private HashSet<int> Dead()
    {
        IReadOnlyList<JournalInfo> journals = _world.Record().Journals;
        var dead = new HashSet<int>(journals.Count);
        for (int i = 0; i < journals.Count; i++)
        {
            dead.Add(i);
        }

        foreach (SimulatedSilo silo in _world.Silos)
        {
            if (silo is { Runs: true, DeclaredDead: false, Journal: >= 0 })
            {
                dead.Remove(silo.Journal);
            }
            else if (silo is { Runs: true, DeclaredDead: false })
            {
                // It is still registering, and may have a journal that nobody else has heard of.
                dead.RemoveWhere(i => journals[i].Silo == silo.Name && !_world.Silos.Any(o => o.Journal == i));
            }
        }

        return dead;
    }
}
