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

    /// <summary>All silos live and are known to.</summary>
    public bool IsComplete => _view.Live.Count == Names.Count;

    /// <summary>Another set of silos shall serve: partitions move.</summary>
    public void Replan()
    {
        _planned = [.. Names.Where(_ => _world.Random.Chance(600))];
        if (_planned.Count == 0)
        {
            _planned = [.. Names];
        }

        _world.Trace($"planned: {string.Join(' ', _planned)}");
        Update();
    }

    /// <summary>Certain silos shall serve: partitions move. <see cref="Update"/> follows.</summary>
    public void Plan(params IEnumerable<string> names) => _planned = [.. names];

    /// <summary>All silos shall serve. <see cref="Update"/> follows.</summary>
    public void PlanAll() => _planned = [.. Names];

    /// <summary>Finds out what is so now.</summary>
    public void Update()
    {
        var live = new Dictionary<string, int>();
        foreach (SimulatedSilo silo in _world.Silos)
        {
            if (silo is { Runs: true, DeclaredDead: false, Journal: >= 0 })
            {
                live[silo.Name] = silo.Journal;
            }
        }

        HashSet<int> dead = Dead();
        string[] names = [.. Names.Where(n => _planned.Contains(n) && !_world.Silos.Any(s => s.Name == n && s is { Runs: true, DeclaredDead: false, ShuttingDown: true }))];
        if (names.Length == 0)
        {
            names = [.. Names];
        }

        bool same = names.SequenceEqual(_view.Names) && dead.SetEquals(_view.Dead) && live.Count == _view.Live.Count
            && live.All(l => _view.Live.TryGetValue(l.Key, out int journal) && journal == l.Value);
        if (!same)
        {
            _view = new MembershipView(names, live, dead);
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

    /// <summary>The journals that nobody who is taken to live writes to.</summary>
    private HashSet<int> Dead()
    {
        var dead = new HashSet<int>();
        IReadOnlyList<JournalInfo> journals = _world.Record().Journals;
        for (int i = 0; i < journals.Count; i++)
        {
            // A silo that is still registering may have a journal that nobody else has heard of.
            bool inUse = _world.Silos.Any(s => s.Runs && !s.DeclaredDead && (s.Journal == i || (s.Journal < 0 && s.Name == journals[i].Silo && !_world.Silos.Any(o => o != s && o.Journal == i))));
            if (!inUse)
            {
                dead.Add(i);
            }
        }

        return dead;
    }
}
