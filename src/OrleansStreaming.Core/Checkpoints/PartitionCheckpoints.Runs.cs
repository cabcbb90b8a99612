namespace OrleansStreaming.Core;

/// <summary>The committed runs of the partition, and merging them.</summary>
internal sealed partial class PartitionCheckpoints
{
    /// <summary>Runs that are committed, and those that may be.</summary>
    private readonly Dictionary<string, CheckpointRun> _known = [];
    private List<(int Operator, byte[] Key)> _waiting = [];
    private RunMerging? _merging;
    private IReadOnlyList<RunInfo>? _lookedAt;
    private long _mergeAgainMs;

    /// <summary>The committed runs, oldest first. Never changed: a new array takes its place.</summary>
    public CheckpointRun[] Runs { get; private set; } = [];

    /// <summary>Checkpoints in all runs; of a grain there may be several.</summary>
    public long Entries => Runs.Sum(r => r.Entries);

    public bool Has(CheckpointRun run) => Array.IndexOf(Runs, run) >= 0;

    /// <summary>Takes over what the partition's last owner has left.</summary>
    /// <param name="runs">The committed runs, oldest first.</param>
    /// <param name="waiting">Grains that wait for timers or answers, or have waited when they were last but one checkpointed.</param>
    public void Open(IReadOnlyList<CheckpointRun> runs, List<(int Operator, byte[] Key)> waiting)
    {
        Runs = [.. runs];
        _waiting = waiting;
        foreach (CheckpointRun run in runs)
        {
            _known.Add(run.Name, run);
        }
    }

    /// <summary>Whether a grain may have a committed checkpoint; no means no.</summary>
    public bool MayContain(int operatorId, ulong hash)
    {
        foreach (CheckpointRun run in Runs)
        {
            if (run.MayContain(operatorId, hash))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Wakes the grains that wait for timers or answers.</summary>
    public void WakeGrains()
    {
        foreach ((int operatorId, byte[] key) in Mutations.LetSleep ? [] : _waiting)
        {
            partition.HostOf(operatorId)?.Wake(key);
        }

        _waiting = [];
    }

    /// <summary>The manifest names other runs than before.</summary>
    private void UseRuns(PartitionManifest now)
    {
        CheckpointRun[] before = Runs;
        Runs = [.. now.Runs.Select(r => _known[r.Name])];
        bool gone = false;
        foreach (CheckpointRun run in before)
        {
            if (!Has(run))
            {
                gone = true;
                _known.Remove(run.Name);
                silo.DeleteRun(run.Name);
            }
        }

        if (gone)
        {
            silo.Windows.Forget(run => Array.IndexOf(before, run) >= 0 && !Has(run));
        }
    }

    private void StepMerge()
    {
        if (_merging is { Merged: not null } && !partition.Manifest.Busy && !partition.TurnsStopped)
        {
            CommitMerge(_merging);
            return;
        }

        IReadOnlyList<RunInfo> runs = partition.Manifest.Current.Runs;
        if (_merging is not null || ReferenceEquals(runs, _lookedAt) || silo.Merging || partition.TurnsStopped || silo.NowMs < _mergeAgainMs)
        {
            return;
        }

        int first = MergePolicy.ChooseFirst(runs, silo.Options.MergeRuns, silo.Options.RunSpaceFactor);
        bool known = runs.Skip(first).All(r => _known.TryGetValue(r.Name, out CheckpointRun? run) && Has(run));
        if (first == runs.Count || !known)
        {
            _lookedAt = known ? runs : null;
            return;
        }

        silo.Merging = true;
        _merging = new RunMerging($"{partition.Name}/{partition.Epoch}-{silo.NextRunNumber()}", [.. runs.Skip(first)]);
        Merge(_merging, [.. _merging.Replaced.Select(r => _known[r.Name])]);
    }

    private void Merge(RunMerging merging, IReadOnlyList<CheckpointRun> runs) => silo.Submit(new Request<(CheckpointRun Run, long Micros)>(
        $"merge {runs.Count} runs into {merging.Name}",
        async (storage, cancel) =>
        {
            using var merge = new RunMerge(storage, runs, silo.RunLimits, silo.Ports);
            await storage.WriteRunAsync(merging.Name, merge.WriteAsync(cancel), cancel).ConfigureAwait(false);
            return (merge.Writer.ToRun(merging.Name), merge.Micros);
        },
        (result, error) =>
        {
            silo.Merging = false;
            if (partition.Lost)
            {
                return;
            }

            if (error is not null)
            {
                silo.Log.StorageFailed(silo.Name, $"merge of {partition.Name}", error);
                silo.DeleteRun(merging.Name);
                _merging = null;
                _mergeAgainMs = silo.NowMs + (error is CorruptDataException ? 5000 : silo.Options.StorageRetryMs);
                return;
            }

            CheckpointRun merged = result.Run;
            _mergeMicros += result.Micros;
            silo.Counters.CheckpointMicros += result.Micros;
            silo.Counters.MergedBytes += merged.Length;
            merging.Merged = merged;
            _known.Add(merged.Name, merged);
        }));

    private void CommitMerge(RunMerging merging)
    {
        PartitionManifest before = partition.Manifest.Current;
        if (before.Runs.Any(r => r.Name == merging.Name))
        {
            Merged(); // An earlier attempt has landed after all.
            return;
        }

        CheckpointRun merged = merging.Merged!;
        List<RunInfo> runs = [.. before.Runs];
        int at = runs.IndexOf(merging.Replaced[0]);
        runs.RemoveRange(at, merging.Replaced.Count);
        runs.Insert(at, new RunInfo(merged.Name, merged.Length, merged.Entries));
        partition.Manifest.Write(before with { Runs = runs }, landed =>
        {
            if (landed && !partition.Lost)
            {
                Merged();
            }
        });
    }

    private void Merged()
    {
        _merging = null;
        UseRuns(partition.Manifest.Current);
    }

    /// <summary>A merge on its way.</summary>
    private sealed class RunMerging(string name, List<RunInfo> replaced)
    {
        public string Name { get; } = name;

        public List<RunInfo> Replaced { get; } = replaced;

        /// <summary>The result, once it is written.</summary>
        public CheckpointRun? Merged { get; set; }
    }
}
