namespace OrleansStreaming.Core;

/// <summary>
/// Tells repeats from new records in one partition. A stable part, stored with the checkpoints, covers the longest prefix of
/// records that are each stable or void; behind it an overlay is built by reading the log, only when a flagged message or an
/// external producer asks. Per producing grain, by its highest non-void name: a grain that was rolled back may emit other
/// outputs for the same input than it did the first time.
/// </summary>
internal sealed class Duplicates(Silo silo, PartitionLog log)
{
    private readonly Dictionary<(int Operator, int Source), long> _floors = [];
    private ProducerTable _overlay = new();
    private LogCursor _overlayCursor;
    private LogCursor _stableCursor;

    /// <summary>Names up to <see cref="StablePosition"/>.</summary>
    public ProducerTable Stable { get; private set; } = new();

    public long StablePosition { get; private set; } = Offset.None.Value;

    /// <summary>About how many clients and sources are remembered.</summary>
    public int ExternalProducers => Stable.External + _overlay.External;

    public void Load(ProducerTable stable, long position)
    {
        Stable = stable;
        StablePosition = position;
        _stableCursor = LogCursor.After(log, position);
        Rebuild();
    }

    /// <summary>Records have become void: what they had raised no longer counts.</summary>
    public void Rebuild()
    {
        _overlay = new ProducerTable();
        _overlayCursor = LogCursor.After(log, StablePosition);
    }

    /// <summary>Reads the log up to its end; false when a part of it has yet to come back to memory.</summary>
    public bool TryCatchUp() => TryScan(ref _overlayCursor, _overlay, stableOnly: false, out _);

    /// <summary>The highest name of the producer of a row. Call after <see cref="TryCatchUp"/>.</summary>
    public bool TryFind(ReadOnlySpan<byte> producer, out ProducerEntry entry)
    {
        bool inOverlay = _overlay.TryGet(producer, out entry);
        if (Stable.TryGet(producer, out ProducerEntry stable) && (!inOverlay || stable.Name.CompareTo(entry.Name) > 0))
        {
            entry = stable;
            return true;
        }

        return inOverlay;
    }

    /// <summary>Moves the stable part on as far as records are stable or void, and forgets what cannot repeat. Returns whether it moved.</summary>
    public bool AdvanceStable()
    {
        long before = StablePosition;
        TryScan(ref _stableCursor, Stable, stableOnly: true, out long position);
        StablePosition = Math.Max(StablePosition, position);
        if (StablePosition == before)
        {
            return false;
        }

        long oldest = (silo.WallMicros / 1000) - silo.Options.ProducerIdleMs;
        Stable.RemoveWhere((key, entry) => key[0] == (byte)ProducerKind.External ? entry.TimeMs < oldest : IsForgotten(key, entry.Name.Input));
        return true;
    }

    /// <summary>No output of an input at or below the floor will ever be repeated.</summary>
    public void Raise(Floor floor)
    {
        ref long known = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_floors, (floor.OperatorId, floor.SourcePartition), out bool exists);
        known = exists ? Math.Max(known, floor.Offset) : floor.Offset;
    }

    private bool IsForgotten(ReadOnlySpan<byte> producer, long input)
    {
        if (_floors.Count == 0)
        {
            return false;
        }

        int at = 1;
        int operatorId = (int)Varint.Read(producer, ref at);
        int source = silo.SourcePartition(operatorId, producer[at..]);
        return source >= 0 && _floors.TryGetValue((operatorId, source), out long floor) && input <= floor;
    }

    private bool TryScan(ref LogCursor cursor, ProducerTable into, bool stableOnly, out long position)
    {
        Span<byte> producer = stackalloc byte[ProducerTable.MaxKeyBytes];
        position = Offset.None.Value;
        while (cursor.TryPeek(log, silo, out LogBlock? block, out Row row, out _, out int length, out long offset))
        {
            bool isVoid = block.IsVoid(row.Slot);
            if (!isVoid && stableOnly && !Mutations.TableUnstable && !silo.IsStable(block, row.Slot))
            {
                return true;
            }

            cursor.Move(length);
            position = offset;
            if (isVoid || row.Producer is ProducerKind.None or ProducerKind.Self)
            {
                continue;
            }

            int keyLength = ProducerTable.KeyOf(in row, producer);
            if (row.Producer == ProducerKind.External || !IsForgotten(producer[..keyLength], row.Name.Input))
            {
                into.Raise(producer[..keyLength], new ProducerEntry(row.Name, block.Journal, block.Lsn, row.Time / 1000));
            }
        }

        return cursor.AtEnd(log);
    }
}
