using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// What this process knows of a journal. The files are the truth: all of it is read from them, save the confirmed end
/// while the writer lives here.
/// </summary>
internal sealed class Journal(JournalContext context, string name)
{
    // Segments by first LSN. Guarded by Sync, as are the fields below.
    private readonly List<Segment> _segments = [];
    private long _firstLsn = 1;
    private bool _listed;

    public JournalContext Context { get; } = context;

    public string Name { get; } = name;

    public string Folder { get; } = Path.Combine(context.Folder, FileNames.ToFileName(name));

    public string FencePath { get; } = Path.Combine(context.Folder, FileNames.ToFileName(name), JournalFiles.FenceFile);

    /// <summary>Held while the journal is created, sealed, trimmed, or an append is undone; never while anyone waits for a writer.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Held for moments.</summary>
    public Lock Sync { get; } = new();

    /// <summary>The writer, if it was created by this process.</summary>
    public JournalWriter? Writer { get; set; }

    /// <summary>The last LSN whose durability was confirmed by this process; 0 when it cannot know.</summary>
    public long ConfirmedLsn { get; set; }

    /// <summary>The last LSN, once sealed.</summary>
    public long? End { get; set; }

    /// <summary>It was trimmed altogether.</summary>
    public bool Deleted { get; set; }

    /// <summary>Finds the segment of a frame and keeps it from being reused.</summary>
    /// <param name="lsn">The frame; raised to the first that is not trimmed.</param>
    /// <param name="segment">The segment, to be left again.</param>
    /// <param name="provenLsn">The last LSN that is known to be in it; 0 when unknown.</param>
    public bool TryEnter(ref long lsn, out Segment segment, out long provenLsn)
    {
        lock (Sync)
        {
            Refresh();
            segment = null!;
            lsn = Math.Max(lsn, _firstLsn);
            provenLsn = End ?? ConfirmedLsn;
            bool endIsKnown = End is not null || Writer is not null;
            if (Deleted || (endIsKnown && lsn > provenLsn))
            {
                return false;
            }

            int at = _segments.Count - 1;
            while (at >= 0 && _segments[at].FirstLsn > lsn)
            {
                at--;
            }

            if (at < 0)
            {
                // Without any file, and nothing trimmed, the journal is as it was between the creation of its folder and of its first segment.
                return _segments.Count == 0 && !endIsKnown && _firstLsn == 1 ? false : throw Missing(lsn);
            }

            segment = _segments[at];
            segment.Readers++;
            if (at + 1 < _segments.Count)
            {
                // A segment is begun when all frames before it are durable.
                long beforeNext = _segments[at + 1].FirstLsn - 1;
                provenLsn = endIsKnown ? Math.Min(provenLsn, beforeNext) : beforeNext;
            }

            return true;
        }
    }

    public void Leave(Segment segment)
    {
        lock (Sync)
        {
            segment.Readers--;
        }
    }

    /// <summary>The last segment; null when there is none.</summary>
    public Segment? LastSegment()
    {
        lock (Sync)
        {
            // Before the segments: each is there before its mark is.
            JournalFiles.TryRead(Context.Files, Path.Combine(Folder, JournalFiles.BegunFile), out long? begun);
            Refresh();
            if (begun > (_segments.Count == 0 ? 0 : _segments[^1].FirstLsn))
            {
                throw Missing(begun.Value);
            }

            if (_segments.Count == 0 ? _firstLsn > 1 : _segments[0].FirstLsn > _firstLsn)
            {
                throw Missing(_firstLsn);
            }

            return _segments.Count == 0 ? null : _segments[^1];
        }
    }

    /// <summary>Adds a segment that the writer has begun; one with the same first LSN held nothing, and is replaced.</summary>
    public void Add(Segment segment)
    {
        lock (Sync)
        {
            if (_segments.Count > 0 && _segments[^1].FirstLsn == segment.FirstLsn)
            {
                _segments[^1].Removed = true;
                _segments.RemoveAt(_segments.Count - 1);
            }

            _segments.Add(segment);
        }
    }

    /// <summary>The segments at the front of which all frames are below an LSN, and the first LSN behind them. Never the last segment.</summary>
    public int CountBelow(long belowLsn, out long nextFirstLsn)
    {
        lock (Sync)
        {
            Refresh();
            int count = 0;
            while (count + 1 < _segments.Count && _segments[count + 1].FirstLsn <= belowLsn)
            {
                count++;
            }

            nextFirstLsn = count > 0 ? _segments[count].FirstLsn : _firstLsn;
            return count;
        }
    }

    /// <summary>Takes segments off the front, so that no read begins there any more.</summary>
    public Segment[] Remove(int count, long nextFirstLsn)
    {
        lock (Sync)
        {
            Segment[] removed = [.. _segments.Take(count)];
            _segments.RemoveRange(0, count);
            _firstLsn = Math.Max(_firstLsn, nextFirstLsn);
            foreach (Segment segment in removed)
            {
                segment.Removed = true;
            }

            return removed;
        }
    }

    /// <summary>Takes all segments off; the journal is gone.</summary>
    public Segment[] RemoveAll()
    {
        lock (Sync)
        {
            Deleted = true;
            return Remove(_segments.Count, _firstLsn);
        }
    }

    /// <summary>Reads what another may have changed: nobody else writes while the writer is here, and nothing changes once it is sealed.</summary>
    public void Refresh()
    {
        if (Writer is not null || Deleted || (_listed && End is not null))
        {
            return;
        }

        if (!Context.Files.DirectoryExists(Folder))
        {
            return;
        }

        JournalFiles.TryRead(Context.Files, FencePath, out long? end);
        End = end;
        if (JournalFiles.TryRead(Context.Files, Path.Combine(Folder, JournalFiles.TrimmedFile), out long? trimmed) && trimmed is { } first)
        {
            _firstLsn = first;
        }

        List();
        _listed = true;
    }

    private void List()
    {
        var known = _segments.ToDictionary(segment => segment.FirstLsn);
        _segments.Clear();
        foreach (string fileName in Context.Files.ListFiles(Folder))
        {
            // Those below the first LSN were trimmed by a process that died before it had deleted them.
            if (Segment.TryParse(fileName) is { } lsn && lsn >= _firstLsn)
            {
                _segments.Add(known.TryGetValue(lsn, out Segment? segment) ? segment : new Segment(Path.Combine(Folder, fileName), lsn));
            }
        }

        _segments.Sort((a, b) => a.FirstLsn.CompareTo(b.FirstLsn));
    }

    private CorruptDataException Missing(long lsn) =>
        new(Path.Combine(Folder, Segment.FileName(lsn)), 0, $"a segment of journal {Name} with LSN {lsn} should exist, and none does");
}
