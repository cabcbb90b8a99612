namespace OrleansStreaming.Core;

/// <summary>
/// Tells repeats from new records in one partition. A stable part, stored with the checkpoints, covers a prefix of records
/// that are each stable or void: it follows as soon as their names are forgotten, and after two checkpoints it reads those
/// that are not; behind it an overlay is built by reading the log, only when a flagged message or an
/// external producer asks. Per producing grain, by its highest non-void name: a grain that was rolled back may emit other
/// outputs for the same input than it did the first time.
/// </summary>
internal sealed class Duplicates(Silo silo, PartitionLog log)
{
    private readonly Dictionary<(int Operator, int Source), long> _floors = [];
    private ProducerTable _overlay = new();
    private LogCursor _overlayCursor;
    private LogCursor _stableCursor;
    private long _end = Offset.None.Value;
    private long _positionAtLast = Offset.None.Value;
    private long _endBefore = Offset.None.Value;
    private long _upTo = Offset.None.Value;
    private int _externalInBoth;

    /// <summary>Names up to <see cref="StablePosition"/>.</summary>
    public ProducerTable Stable { get; private set; } = new();

    public long StablePosition { get; private set; } = Offset.None.Value;

    /// <summary>How many clients and sources are remembered.</summary>
    public int ExternalProducers => Stable.External + _overlay.External - _externalInBoth;

    public void Load(ProducerTable stable, long position)
    {
        Stable = stable;
        StablePosition = _positionAtLast = position;
        _stableCursor = LogCursor.After(log, position);
        Rebuild();
    }

    /// <summary>Records have become void: what they had raised no longer counts.</summary>
    public void Rebuild()
    {
        _overlay = new ProducerTable();
        _externalInBoth = 0;
        _overlayCursor = LogCursor.After(log, StablePosition);
    }

    /// <summary>Reads the log up to its end; false when a part of it has yet to come back to memory.</summary>
    public bool TryCatchUp() => TryScan(ref _overlayCursor, _overlay, stableOnly: false, long.MaxValue, out _);

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

    /// <summary>Moves the stable part on over blocks of one producer and those that are forgotten, whose rows need not be read, nor be in memory.</summary>
    /// <param name="most">How many; a floor that rises lets tens of thousands be forgotten at once.</param>
    /// <returns>Whether there may be more.</returns>
    public bool PassWholeBlocks(int most)
    {
        int left = PassBlocks(ref _stableCursor, Stable, stableOnly: true, most, out long position);
        StablePosition = Math.Max(StablePosition, position);
        return left == 0;
    }

    /// <summary>
    /// Moves the stable part on and forgets what cannot repeat. Called by each checkpoint. New records are left alone until the
    /// second one after them: by then whoever made them has nearly always had one, too, after which nobody needs their names.
    /// To read them at once would take longer than all else that a checkpoint does in the loop, and half of them from the journal.
    /// What is not read at once is read by <see cref="Continue"/>.
    /// </summary>
    /// <param name="all">Reads all that is stable or void: nothing may be left.</param>
    public void AdvanceStable(bool all)
    {
        _upTo = all || Mutations.TableUnstable ? log.LastOffset : _endBefore;
        (_endBefore, _end) = (_end, log.LastOffset);
        ScanStable(all ? int.MaxValue : silo.Options.NamesBlocksPerStep);
        if (StablePosition > _positionAtLast)
        {
            _positionAtLast = StablePosition;
            Forget();
        }
    }

    /// <summary>
    /// Reads on what the last checkpoint wanted to be read, some of it in each step. What has left memory comes back a megabyte at a
    /// time: if each waited for the next checkpoint, a log that is filled faster would never be trimmed any more.
    /// </summary>
    public void Continue()
    {
        if (StablePosition < _upTo)
        {
            ScanStable(silo.Options.NamesBlocksPerStep);
        }
    }

    private void ScanStable(int most)
    {
        TryScan(ref _stableCursor, Stable, stableOnly: true, _upTo, out long position, most);
        StablePosition = Math.Max(StablePosition, position);
    }

    /// <summary>
    /// Forgets what cannot repeat, and in the other part also what the stable part has taken over: else that would grow until a
    /// record becomes void.
    /// </summary>
    private void Forget()
    {
        _overlay.RemoveWhere((key, entry) => (Stable.TryGet(key.Span, out ProducerEntry stable) && stable.Name >= entry.Name) || IsForgotten(key.Span, in entry));
        long oldest = (silo.WallMicros / 1000) - silo.Options.ProducerIdleMs;
        Stable.RemoveWhere((key, entry) => key.Span[0] == (byte)ProducerKind.External ? entry.TimeMs < oldest : IsForgotten(key.Span, in entry));
        _externalInBoth = _overlay.CountExternal(Stable);
    }

    private bool IsForgotten(ReadOnlySpan<byte> key, in ProducerEntry entry) => key[0] == (byte)ProducerKind.Grain && IsForgotten(key, entry.Name.Input);

    private void Raise(ProducerTable into, ReadOnlySpan<byte> key, in ProducerEntry entry)
    {
        if (into.Raise(key, in entry) && key[0] == (byte)ProducerKind.External && (into == Stable ? _overlay : Stable).TryGet(key, out _))
        {
            _externalInBoth++;
        }
    }

    /// <summary>No output of an input at or below the floor will ever be repeated.</summary>
    public void Raise(Floor floor)
    {
        ref long known = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_floors, (floor.OperatorId, floor.SourcePartition), out bool exists);
        known = exists ? Math.Max(known, floor.Offset) : floor.Offset;
    }

    /// <summary>Whether all names in a block are forgotten.</summary>
    private bool IsForgotten(LogBlock block)
    {
        foreach (ref readonly GrainInput input in block.Inputs)
        {
            if (!_floors.TryGetValue((input.OperatorId, input.SourcePartition), out long floor) || input.Highest > floor)
            {
                return false;
            }
        }

        return block.OnlyGrains;
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

    /// <summary>
    /// Notes the records of one producer that have just been appended, when nothing else has been since the last
    /// <see cref="TryCatchUp"/>: they need not be read again.
    /// </summary>
    /// <param name="producer">The key of the producer.</param>
    /// <param name="last">Its highest name, and where it was appended.</param>
    public void Appended(ReadOnlySpan<byte> producer, in ProducerEntry last)
    {
        Raise(_overlay, producer, in last);
        _overlayCursor = LogCursor.End(log);
    }

    private bool TryScan(ref LogCursor cursor, ProducerTable into, bool stableOnly, long upTo, out long position, int most = int.MaxValue)
    {
        Span<byte> producer = stackalloc byte[ProducerTable.MaxKeyBytes];
        most = PassBlocks(ref cursor, into, stableOnly, most, out position);
        while (most-- > 0 && !(cursor.TryFindBlock(log, out LogBlock? next) && next.LastOffset > upTo) && cursor.TryEnter(log, silo, out LogBlock? block, out int start, out int index))
        {
            bool durable = silo.Journals.IsDurable(block.Journal, block.Lsn);
            int run = 0; // The length of the producer's key while its records follow each other.
            ProducerEntry last = default;
            int count = block.Count;
            for (; index < count; index++)
            {
                int length = Row.Read(block.Rows[start..], block.BaseTime, out Row row);
                bool isVoid = block.IsVoid(row.Slot);
                if (!isVoid && stableOnly && !Mutations.TableUnstable && !(durable && block.IsSettledSlot(row.Slot, silo.Journals)))
                {
                    Take(producer[..run], in last);
                    return true;
                }

                cursor.Move(length);
                start += length;
                position = block.First.Value + index;
                if (isVoid || row.Producer is ProducerKind.None or ProducerKind.Self)
                {
                    continue;
                }

                if (row.Producer != ProducerKind.External || run == 0 || producer[0] != (byte)ProducerKind.External || !producer[1..run].SequenceEqual(row.ProducerKey) || row.Name <= last.Name)
                {
                    Take(producer[..run], in last);
                    run = ProducerTable.KeyOf(in row, producer);
                }

                last = new ProducerEntry(row.Name, block.Journal, block.Lsn, row.Time / 1000);
            }

            Take(producer[..run], in last);
            most = PassBlocks(ref cursor, into, stableOnly, most, out long passed);
            position = Math.Max(position, passed);
        }

        return cursor.AtEnd(log);

        void Take(ReadOnlySpan<byte> key, in ProducerEntry entry)
        {
            if (key.Length > 0 && (key[0] == (byte)ProducerKind.External || !IsForgotten(key, entry.Name.Input)))
            {
                Raise(into, key, in entry);
            }
        }
    }

    /// <summary>Passes blocks whose rows need not be read; returns how many fewer than it might have.</summary>
    private int PassBlocks(ref LogCursor cursor, ProducerTable into, bool stableOnly, int most, out long position)
    {
        Span<byte> key = stackalloc byte[ProducerTable.MaxKeyBytes];
        position = Offset.None.Value;
        for (; most > 0 && cursor.TryFindBlock(log, out LogBlock? block) && cursor.IsAtStart && block is { Closed: true, HasSlots: false }
            && (!stableOnly || silo.Journals.IsDurable(block.Journal, block.Lsn)); most--)
        {
            if (block.OnlyProducer is not { } producer)
            {
                if (!IsForgotten(block))
                {
                    break;
                }
            }
            else if (producer.Length > 0)
            {
                int length = ProducerTable.KeyOf(new Row { Producer = ProducerKind.External, ProducerKey = producer }, key);
                Raise(into, key[..length], new ProducerEntry(block.LastName, block.Journal, block.Lsn, block.BaseTime / 1000));
            }

            cursor.PassBlock();
            position = block.LastOffset;
        }

        return most;
    }
}
