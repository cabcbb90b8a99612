namespace OrleansStreaming.Core;

/// <summary>Gathers what one seal takes back, while it is applied: counts all grains, describes the first thousand.</summary>
internal sealed class RollbackReport(Silo silo)
{
    private const int MaxDescribed = 1000;
    private readonly List<RolledBackGrain> _grains = [];
    private VoidRows? _void;

    /// <summary>All grains taken back.</summary>
    public int Count { get; private set; }

    public IReadOnlyList<RolledBackGrain> Grains => _grains;

    /// <summary>Notes a grain that is about to go back, because of a lost record.</summary>
    public void Add(OperatorHost host, Grain grain, Dependency lost)
    {
        silo.Probe?.RolledBack(host, grain, lost);
        Count++;
        if (_grains.Count == MaxDescribed)
        {
            return;
        }

        if (_void?.Partition != host.Partition)
        {
            _void = new VoidRows(silo, host.Partition);
        }

        _grains.Add(new RolledBackGrain(
            host.Type.Definition.Name,
            host.Type.KeyText(grain.Key),
            $"{silo.JournalName(lost.Journal)}:{lost.Lsn}",
            _void.Because(grain.Key),
            new Offset(grain.Position).ToString()));
    }
}
