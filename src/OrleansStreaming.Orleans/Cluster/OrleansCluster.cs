using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Who takes part, of an Orleans cluster: Orleans' membership says which processes live, the record of journals says who
/// writes what, and both together say whose journals are to be sealed. Fencing is done at the storage: a view that is wrong
/// for a while costs time and nothing else.
/// </summary>
internal sealed partial class OrleansCluster : ICluster
{
    private static readonly TimeSpan ReportLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private readonly IClusterMembershipService _membership;
    private readonly SiloServiceClient _services;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<int, RemoteSilo> _remote = new();
    private readonly HashSet<int> _ended = [];
    private readonly HashSet<string> _leaving = [];
    private readonly HashSet<string> _handingOver = [];
    private readonly HashSet<string> _gone = [];
    private readonly Dictionary<string, StopStage> _stages = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Members _members = new();
    private ClusterRecord _record = new();
    private SiloIncarnation? _local;
    private string _announced = string.Empty;
    private Task _following = Task.CompletedTask;
    private StreamingEngine? _engine;

    public OrleansCluster(ILocalSiloDetails silo, IClusterMembershipService membership, SiloServiceClient services, GrainHosting grains, ILoggerFactory loggers)
    {
        _membership = membership;
        _services = services;
        Grains = grains;
        _logger = loggers.CreateLogger("OrleansStreaming.Cluster");
        Address = silo.SiloAddress;
        Host = Address.ToParsableString();
        LocalSilos = [silo.Name];
    }

    /// <summary>This process.</summary>
    public SiloAddress Address { get; }

    public string Host { get; }

    public IReadOnlyList<string> LocalSilos { get; }

    public bool HasOthers => true;

    public Task Changed => Volatile.Read(ref _changed).Task;

    public IGrainHosting? Grains { get; }

    /// <summary>The incarnation of this process that takes part, if any.</summary>
    public SiloIncarnation? Local => Volatile.Read(ref _local);

    /// <summary>The journal that it writes; -1 for none.</summary>
    private int LocalJournal => Local?.Silo.Journal.Id ?? -1;

    public SiloIncarnation? FindLocal(int journal) => Local is { } local && local.Silo.Journal.Id == journal ? local : null;

    public ISiloLink? Find(int journal) => FindLocal(journal) ?? (ISiloLink?)_remote.GetValueOrDefault(journal);

    public ValueTask StartAsync(StreamingEngine engine, ClusterRecord record, CancellationToken cancellationToken)
    {
        _engine = engine;
        _record = record;
        _following = Task.Run(FollowAsync, CancellationToken.None);
        return ValueTask.CompletedTask;
    }

    public void Joined(SiloIncarnation incarnation, int journal)
    {
        lock (_lock)
        {
            Volatile.Write(ref _local, incarnation);
        }

        Publish();
        Notify(SiloNotice.Joined, journal);
    }

    public void Ended(SiloIncarnation incarnation)
    {
        int journal = incarnation.Silo.Journal.Id;
        lock (_lock)
        {
            if (_local == incarnation)
            {
                Volatile.Write(ref _local, null);
            }

            _ended.Add(journal);
        }

        Notify(SiloNotice.Ended, journal);
    }

    public void RecordRead(ClusterRecord record)
    {
        lock (_lock)
        {
            if (record.Journals.Count < _record.Journals.Count || (record.Journals.Count == _record.Journals.Count && record.Seals.Count <= _record.Seals.Count))
            {
                return;
            }

            _record = record;
        }

        Publish();
    }

    public bool Reads(string source)
    {
        Members members = Volatile.Read(ref _members);
        List<string> places = members.Places;
        ulong hash = KeyHash.Compute(System.Text.Encoding.UTF8.GetBytes(source));
        return places.Count > 0 && places[(int)(hash % (ulong)places.Count)] == members.NameOf(Host);
    }

    /// <summary>News from another silo.</summary>
    public void Take(SiloNotice notice, string host, int journal)
    {
        lock (_lock)
        {
            switch (notice)
            {
                case SiloNotice.Ended:
                    _ended.Add(journal);
                    break;
                case SiloNotice.Leaving:
                    _leaving.Add(host);
                    break;
                case SiloNotice.HandingOver:
                    _leaving.Add(host);
                    _handingOver.Add(host);
                    break;
                case SiloNotice.Quiet:
                    _leaving.Add(host); // The news of that may have been lost.
                    _stages.TryAdd(host, StopStage.Quiet);
                    break;
                case SiloNotice.Resting:
                    _leaving.Add(host);
                    _stages[host] = StopStage.Resting;
                    break;
            }
        }

        Local?.Post(silo => silo.PollSeals()); // The record tells the rest.
        Publish();
    }

    public async Task<IReadOnlyList<EngineReport>> AskOthersAsync()
    {
        EngineReport?[] reports = await Task.WhenAll(_remote.Values.DistinctBy(r => r.Address).Select(r => r.ReportAsync(ReportLimit))).ConfigureAwait(false);
        return [.. reports.OfType<EngineReport>()];
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return; // By the engine when it stopped; the services end later.
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        foreach (int journal in _remote.Keys)
        {
            if (_remote.TryRemove(journal, out RemoteSilo? silo))
            {
                await silo.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task FollowAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (ClusterMembershipSnapshot snapshot in _membership.MembershipUpdates.WithCancellation(_stopping.Token).ConfigureAwait(false))
                {
                    Publish();
                }

                return;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ClusterLog.MembershipFailed(_logger, e);
                await Task.Delay(RetryDelay, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Computes who takes part, and tells the silo of this process.</summary>
    private void Publish()
    {
        lock (_lock)
        {
            HashSet<string> claimingNothing = [.. _handingOver, .. _stages.Where(static s => s.Value == StopStage.Resting).Select(static s => s.Key)];
            Members members = Members.Of(_record, _membership.CurrentSnapshot, new Members.Known(Host, LocalJournal, _ended, _leaving, _gone, claimingNothing));
            Volatile.Write(ref _members, members);
            Connect(members);
            if (members.Unclear.Count > 0)
            {
                _ = ClearUpAsync(members.Unclear);
            }

            string announced = string.Join(", ", members.Places);
            if (announced != _announced)
            {
                _announced = announced;
                ClusterLog.MembersChanged(_logger, announced, members.Dead.Count);
            }

            int partitions = _engine!.Topology.Streams.Sum(s => s.PartitionCount);
            Local?.Post(new MembershipView(members.Places, members.Live, members.Dead, Placement.Place(members.Places, partitions), members.NameOf(Host), !members.AnyStays));
        }

        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>Opens ways to journals of other processes, and closes those to journals that are no more.</summary>
    private void Connect(Members members)
    {
        int own = LocalJournal;
        foreach ((int journal, SiloAddress address) in members.Writers)
        {
            if (journal != own && !_remote.ContainsKey(journal))
            {
                _remote[journal] = new RemoteSilo(_services.Of(address), address, journal, _logger);
                Local?.Post(silo => silo.AnnounceOwned(journal));
            }
        }

        foreach (int journal in _remote.Keys)
        {
            if (!members.Writers.ContainsKey(journal) && _remote.TryRemove(journal, out RemoteSilo? gone))
            {
                _ = gone.DisposeAsync().AsTask();
            }
        }
    }

    /// <summary>A process that membership does not know is gone, or newer than what was read of membership.</summary>
    private async Task ClearUpAsync(IReadOnlyList<string> hosts)
    {
        try
        {
            await _membership.Refresh(default, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!_stopping.IsCancellationRequested)
            {
                ClusterLog.MembershipFailed(_logger, e);
            }

            return; // The next change, or the next look at the record, asks again.
        }

        lock (_lock)
        {
            foreach (string host in hosts)
            {
                if (!_membership.CurrentSnapshot.Members.ContainsKey(SiloAddress.FromParsableString(host)))
                {
                    _gone.Add(host);
                }
            }
        }

        Publish();
    }

    private void Notify(SiloNotice notice, int journal)
    {
        foreach (ClusterMember member in _membership.CurrentSnapshot.Members.Values)
        {
            if (member.Status is not (MemberStatus.Dead or MemberStatus.None) && !member.SiloAddress.Equals(Address))
            {
                _ = NotifyAsync(member.SiloAddress, notice, journal);
            }
        }
    }

    private async Task NotifyAsync(SiloAddress silo, SiloNotice notice, int journal)
    {
        try
        {
            await _services.Of(silo).NotifyAsync(notice, Host, journal).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            ClusterLog.CallFailed(_logger, silo, e); // It will find out by itself.
        }
    }
}
