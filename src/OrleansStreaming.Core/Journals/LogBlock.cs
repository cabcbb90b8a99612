namespace OrleansStreaming.Core;

/// <summary>
/// Consecutive records of one partition in one journal frame: the unit in which a partition's log is kept, evicted and read
/// again. Its rows share an LSN, hence a fate; each has its own vector.
/// </summary>
internal sealed class LogBlock(int partition, int journal, long lsn, Offset first, long baseTime)
{
    /// <summary>A block takes no further row that would make it longer. One size for nearly all of them, so that buffers fit the next block.</summary>
    public const int MaxBytes = 64 << 10;
    private const int FewSlots = 4;
    private Slot[]? _slots;
    private int _slotCount;
    private GrainInputs _inputs;

    public int Partition { get; private set; } = partition;

    public int Journal { get; private set; } = journal;

    public long Lsn { get; private set; } = lsn;

    public Offset First { get; private set; } = first;

    public long BaseTime { get; private set; } = baseTime;

    public int Count { get; private set; }

    /// <summary>Who made all of its rows, if that is one producer or nobody by name (empty), in the order of their names; null when it is not so, or not known.</summary>
    public byte[]? OnlyProducer { get; private set; }

    /// <summary>The last name of <see cref="OnlyProducer"/>.</summary>
    public RecordName LastName { get; private set; }

    /// <summary>Whether <see cref="Inputs"/> speaks for all names in it.</summary>
    public bool OnlyGrains { get; private set; } = true;

    /// <summary>The highest inputs that its rows were made of, by who made them.</summary>
    public ReadOnlySpan<GrainInput> Inputs => _inputs.All;

    /// <summary>Whether all rows appended so far have the time <see cref="BaseTime"/>.</summary>
    public bool HasOneTime { get; private set; } = true;

    /// <summary>The seal version under which the frame was written.</summary>
    public int SealVersion { get; private init; }

    /// <summary>The offset of the last row.</summary>
    public long LastOffset => First.Value + Count - 1;

    /// <summary>The rows, or null when they have left memory.</summary>
    public byte[]? Buffer { get; private set; }

    /// <summary>About how many bytes it will get: those of the one before. Many small frames need little memory, and few large ones no copies.</summary>
    public int ExpectedBytes { get; set; }

    /// <summary>The bytes in use.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes of all blocks before it in its log, counted from some start.</summary>
    public long StartBytes { get; set; }

    /// <summary>Where the rows lie when they are no longer read from the journal.</summary>
    public ArchivePlace? ArchivedIn { get; set; }

    /// <summary>Is in its log's list of blocks with slots.</summary>
    public bool IsListed { get; set; }

    /// <summary>No row is added any more.</summary>
    public bool Closed { get; set; }

    /// <summary>Its rows had left memory, and somebody wanted them.</summary>
    public bool WasBroughtBack { get; set; }

    /// <summary>Users that need <see cref="Buffer"/> to stay: waiting mailboxes, a flush under way.</summary>
    public int Pins { get; set; }

    /// <summary>Whether a row depends on something that is not known to be durable, or is void.</summary>
    public bool HasSlots => _slotCount > 0;

    public ReadOnlySpan<Slot> Slots => _slots.AsSpan(0, _slotCount);

    public ReadOnlySpan<byte> Rows => Buffer.AsSpan(0, Length);

    /// <summary>A block that has been found in a frame, and takes its rows from there later.</summary>
    public static LogBlock WithoutRows(int partition, int journal, long lsn, Offset first, long baseTime, int sealVersion, int count, CausalityVector?[] vectors)
    {
        var block = new LogBlock(partition, journal, lsn, first, baseTime) { SealVersion = sealVersion, Count = count, Closed = true, OnlyGrains = false };
        if (vectors.Length > 0)
        {
            block._slots = Array.ConvertAll(vectors, v => new Slot { Vector = v });
            block._slotCount = vectors.Length;
        }

        return block;
    }

    /// <summary>A block whose rows are in an archive.</summary>
    public static LogBlock Absent(int partition, int journal, long lsn, Offset first, long baseTime, int sealVersion, int count, ArchivePlace place) =>
        new(partition, journal, lsn, first, baseTime) { SealVersion = sealVersion, Count = count, Closed = true, OnlyGrains = false, ArchivedIn = place, Length = place.Length };

    /// <summary>Takes the rows, and what tells the void ones, from a block read from an archive, which is left without.</summary>
    public void Restore(LogBlock read, JournalTable journals)
    {
        Restore(read.Rows);
        (_slots, _slotCount) = (read._slots, read._slotCount);
        (read._slots, read._slotCount) = (null, 0);
        Refresh(journals);
    }

    /// <summary>
    /// Makes a block that has been trimmed, and that nobody knows any more, a new one. Small frames need tens of thousands a
    /// second, which live until they are trimmed: the collector would copy each of them twice.
    /// </summary>
    public void Renew(int partition, int journal, long lsn, Offset first, long baseTime)
    {
        Partition = partition;
        Journal = journal;
        Lsn = lsn;
        First = first;
        BaseTime = baseTime;
        Count = Length = 0;
        OnlyProducer = null;
        LastName = default;
        HasOneTime = OnlyGrains = true;
        _inputs.Clear();
        StartBytes = 0;
        Closed = WasBroughtBack = false;
        ForgetSlots();
    }

    /// <summary>Whether it may be renewed: its rows are in memory, so nobody reads them again, and nobody remembers it or where its rows lie.</summary>
    public bool IsRenewable => Buffer is not null && Pins == 0 && !IsListed && ArchivedIn is null && SealVersion == 0;

    /// <summary>Whether as many bytes fit into a block of the usual size.</summary>
    public bool HasRoomFor(int bytes) => Count == 0 || Length + bytes <= MaxBytes;

    /// <summary>Appends rows as they are. Call only while the frame gathers.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many.</param>
    /// <param name="producer">Who made them; empty for nobody by name.</param>
    /// <param name="last">The highest of their names, which is the last.</param>
    public void Append(ReadOnlySpan<byte> rows, int count, byte[] producer, RecordName last)
    {
        bool goesOn = Count == 0 || (OnlyProducer is { } only && only.AsSpan().SequenceEqual(producer) && last >= LastName);
        OnlyProducer = goesOn ? producer : null;
        OnlyGrains &= producer.Length == 0;
        LastName = last;
        Reserve(rows.Length);
        rows.CopyTo(Buffer.AsSpan(Length));
        Length += rows.Length;
        Count += count;
    }

    /// <summary>Appends a row. Call only while the frame gathers.</summary>
    public void Append(ref Row row, CausalityVector? vector)
    {
        row.Slot = vector is null ? 0 : SlotOf(vector);
        HasOneTime &= row.Time == BaseTime;
        OnlyProducer = null;
        OnlyGrains &= row.Producer != ProducerKind.External;
        Reserve(row.MaxSize);
        Length += row.Write(Buffer.AsSpan(Length), BaseTime);
        Count++;
    }

    /// <summary>The row that was appended last is an output of a grain, which reads a partition; -1 when that is not known.</summary>
    public void NoteGrain(int operatorId, int sourcePartition, long input) =>
        OnlyGrains = OnlyGrains && sourcePartition >= 0 && _inputs.TryNote(operatorId, sourcePartition, input);

    /// <summary>
    /// Notes who made a row that has been read, so that the block need not be read again for its names. Call for each row in turn, from
    /// the first on, before anything else is made of what it says.
    /// </summary>
    /// <param name="row">The row.</param>
    /// <param name="isFirst">Whether it is the first of the block.</param>
    /// <param name="sourcePartition">What the grain that made it reads; -1 when that is not known or no grain made it.</param>
    /// <param name="producer">The producer noted last, here or in another block: most rows that follow each other have the same.</param>
    public void NoteMaker(in Row row, bool isFirst, int sourcePartition, ref byte[] producer)
    {
        if (isFirst)
        {
            OnlyGrains = true;
        }

        if (row.Producer is ProducerKind.Grain)
        {
            NoteGrain(row.OperatorId, sourcePartition, row.Name.Input);
        }

        OnlyGrains &= row.Producer != ProducerKind.External;
        if (row.Producer is not (ProducerKind.External or ProducerKind.None) || !(isFirst || OnlyProducer is not null))
        {
            OnlyProducer = null;
            return;
        }

        ReadOnlySpan<byte> made = row.Producer == ProducerKind.None ? default : row.ProducerKey;
        if (!made.SequenceEqual(producer))
        {
            producer = made.ToArray();
        }

        bool goesOn = isFirst || Mutations.TrustFirstMaker || (OnlyProducer!.AsSpan().SequenceEqual(made) && row.Name >= LastName);
        OnlyProducer = !goesOn ? null : isFirst ? producer : OnlyProducer;
        LastName = row.Name;
    }

    /// <summary>Whether a row is void: it depends on a lost record.</summary>
    public bool IsVoid(int slot) => slot != 0 && _slotCount != 0 && _slots![slot - 1].Void;

    /// <summary>What a row still depends on beside its own LSN.</summary>
    public CausalityVector? VectorOf(int slot) => slot != 0 && _slotCount != 0 ? _slots![slot - 1].Vector : null;

    /// <summary>Whether a row depends on nothing beside its own LSN any more; remembers the answer.</summary>
    public bool IsSettledSlot(int slot, JournalTable journals)
    {
        if (slot == 0 || _slotCount == 0)
        {
            return true;
        }

        ref Slot entry = ref _slots![slot - 1];
        entry.Vector = entry.Vector?.Prune(journals);
        return entry.Vector is null && !entry.Void;
    }

    /// <summary>Marks rows that depend on lost records as void, forgets what is durable. Returns whether a row became void.</summary>
    public bool Refresh(JournalTable journals)
    {
        bool changed = false, needed = false;
        for (int i = 0; i < _slotCount; i++)
        {
            ref Slot slot = ref _slots![i];
            if (slot.Vector is null)
            {
                needed |= slot.Void;
                continue;
            }

            if (journals.FirstLost(slot.Vector, out Dependency lost))
            {
                slot = new Slot { Void = true, Lost = lost };
                changed = true;
            }
            else
            {
                slot.Vector = slot.Vector.Prune(journals);
            }

            needed |= slot.Void || slot.Vector is not null;
        }

        // Rows name slots by index: while rows are still added, the indexes in use must keep their meaning.
        if (!needed && Closed)
        {
            ForgetSlots();
        }

        return changed;
    }

    /// <summary>Whether everything in the block is durable and depends on nothing that is not; void rows count as settled.</summary>
    public bool IsSettled
    {
        get
        {
            for (int i = 0; i < _slotCount; i++)
            {
                if (_slots![i].Vector is not null)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Lets the rows leave memory.</summary>
    public void Evict()
    {
        if (Buffer is not null && Pins == 0)
        {
            BufferPool.Return(Buffer);
            Buffer = null;
            WasBroughtBack = false;
        }
    }

    /// <summary>Brings the rows back.</summary>
    public void Restore(ReadOnlySpan<byte> rows)
    {
        Buffer = BufferPool.Rent(Math.Max(rows.Length, 1));
        rows.CopyTo(Buffer);
        Length = rows.Length;
    }

    private int SlotOf(CausalityVector vector)
    {
        for (int i = _slotCount - 1; i >= 0 && i >= _slotCount - 4; i--)
        {
            if (ReferenceEquals(_slots![i].Vector, vector))
            {
                return i + 1;
            }
        }

        _slots ??= Spares<Slot[]>.TryTake() ?? new Slot[FewSlots];
        if (_slotCount == _slots.Length)
        {
            Array.Resize(ref _slots, _slotCount * 2);
        }

        _slots[_slotCount++] = new Slot { Vector = vector };
        return _slotCount;
    }

    private void ForgetSlots()
    {
        if (_slots is { Length: FewSlots } few)
        {
            few.AsSpan(0, _slotCount).Clear();
            Spares<Slot[]>.Give(few);
        }

        _slots = null;
        _slotCount = 0;
    }

    private void Reserve(int bytes)
    {
        int needed = Length + bytes;
        if (Buffer is not null && needed <= Buffer.Length)
        {
            return;
        }

        int size = Buffer is null ? Math.Min(ExpectedBytes, MaxBytes) : Math.Min(Buffer.Length * 4, Math.Max(MaxBytes, Buffer.Length * 2));
        byte[] larger = BufferPool.Rent(Math.Max(needed, size));
        if (Buffer is not null)
        {
            Buffer.AsSpan(0, Length).CopyTo(larger);
            BufferPool.Return(Buffer);
        }

        Buffer = larger;
    }

    /// <summary>A vector that rows of the block share.</summary>
    internal struct Slot
    {
        /// <summary>What is not yet known to be durable; null when all is, or when void.</summary>
        public CausalityVector? Vector;
        public bool Void;

        /// <summary>Why it is void.</summary>
        public Dependency Lost;
    }
}
