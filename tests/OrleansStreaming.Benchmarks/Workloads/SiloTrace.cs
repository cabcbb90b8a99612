using System.Diagnostics;
using System.Runtime.InteropServices;
using OrleansStreaming.Core;
using Grain = OrleansStreaming.Core.Grain;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Benchmarks;

/// <summary>A grain: the partition that it belongs to, and the hash of its key.</summary>
internal readonly record struct GrainId(int Partition, ulong Key);

/// <summary>An event that a silo appended to its journal.</summary>
/// <param name="Grain">For whom.</param>
/// <param name="Offset">Where in the partition.</param>
/// <param name="Lsn">In which frame of the journal.</param>
/// <param name="Number">The number of the input that it stems from.</param>
internal readonly record struct AppendedEvent(GrainId Grain, long Offset, long Lsn, long Number);

/// <summary>An event that a grain processed.</summary>
internal readonly record struct ConsumedEvent(GrainId Grain, long Offset, long Ticks);

/// <summary>A seal, as it was applied: how much had been noted before.</summary>
internal readonly record struct AppliedSeal(int Journal, long End, int Consumed, int Committed);

/// <summary>
/// Notes everything that one silo appends and processes, so that it can be computed afterwards what depended on what. Written
/// by the silo's loop; read when it rests.
/// </summary>
internal sealed class SiloTrace(string silo) : SiloProbe
{
    private readonly Dictionary<int, int> _hops = [];

    public string Silo { get; } = silo;

    public List<AppendedEvent> AppendedEvents { get; } = [];

    public List<ConsumedEvent> ConsumedEvents { get; } = [];

    /// <summary>Checkpoints about to be committed, and committed: the grain and the position covered.</summary>
    public List<(GrainId Grain, long Position)> CommittingPositions { get; } = [];

    public List<(GrainId Grain, long Position)> CommittedPositions { get; } = [];

    /// <summary>Grains that came back from a checkpoint or a copy in memory, or without either (-1).</summary>
    public List<(GrainId Grain, long Position)> RestoredGrains { get; } = [];

    public HashSet<GrainId> RolledBackGrains { get; } = [];

    public List<AppliedSeal> Seals { get; } = [];

    /// <summary>Which operator in the row reads a partition, from 0; -1 when none does.</summary>
    public int HopOf(int partition) => _hops.GetValueOrDefault(partition, -1);

    public override void Appended(Partition partition, LogBlock block, long offset, in Row row, CausalityVector? vector)
    {
        if (partition.Stream.Name is ['h', 'o', 'p', char hop] && row.Kind == RecordKind.Event)
        {
            _hops[partition.Id] = hop - '0';
            var grain = new GrainId(partition.Id, KeyHash.Compute(row.Key));
            AppendedEvents.Add(new AppendedEvent(grain, offset, block.Lsn, MemoryMarshal.Read<Input>(row.Payload).Number));
        }
    }

    public override void Consumed(OperatorHost host, Grain grain, long offset, bool flagged) =>
        ConsumedEvents.Add(new ConsumedEvent(Of(host, grain), offset, Stopwatch.GetTimestamp()));

    public override void Committing(OperatorHost host, Grain grain, long position) => CommittingPositions.Add((Of(host, grain), position));

    public override void Committed(OperatorHost host, Grain grain, long position) => CommittedPositions.Add((Of(host, grain), position));

    public override void Restored(OperatorHost host, Grain grain, long position) => RestoredGrains.Add((Of(host, grain), position));

    public override void RolledBack(OperatorHost host, Grain grain, Dependency lost) => RolledBackGrains.Add(Of(host, grain));

    public override void SealApplied(Seal seal, int version) => Seals.Add(new AppliedSeal(seal.Journal, seal.End, ConsumedEvents.Count, CommittedPositions.Count));

    private static GrainId Of(OperatorHost host, Grain grain) => new(host.Partition.Id, grain.Hash);
}
