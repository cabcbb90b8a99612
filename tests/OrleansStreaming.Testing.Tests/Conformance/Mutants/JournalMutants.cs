using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Storages that break one clause about journals each.</summary>
internal static class JournalMutants
{
    public static IEnumerable<Mutant> All =>
    [
        new("confirms-before-it-is-stored", s => new Writers(s, w => (f, c) =>
        {
            _ = w.AppendAsync(f, c).AsTask();
            return default;
        }), "confirmed-is-stored", "a-torn-append-leaves-whole-frames"),
        new("keeps-the-last-append-back", s => new KeepsBack(s, flushes: false), "appended-frames-are-read", "appended-frames-survive-reopening", "reads-beside-appends"),
        new("keeps-the-caller's-memory", s => new KeepsBack(s, flushes: true), "appended-memory-is-free-again"),
        new("an-empty-append-is-a-mistake", s => new Writers(s, w => (f, c) => f.Count == 0 ? throw new ArgumentException("no frames") : w.AppendAsync(f, c)), "an-empty-append-is-nothing"),
        new("appends-a-thousand-at-most", s => new Writers(s, w => (f, c) => w.AppendAsync([.. f.Take(1000)], c)), "many-small-frames"),
        new("keeps-four-megabytes-of-a-frame", s => new Frames(s, frames => frames.Select(f => f.Bytes.Length > 4 << 20 ? f with { Bytes = f.Bytes[..(4 << 20)] } : f)), "large-frames"),
        new("reads-another-journal", s => new ReadsAnother(s), "journals-are-apart"),
        new("creates-what-exists", s => new CreatesAgain(s), "a-journal-is-created-once"),
        new("reads-beyond-the-range", s => new Reads(s, (from, to, max) => (from, to < long.MaxValue ? to + 1 : to, max)), "reads-stay-in-their-range"),
        new("reads-before-the-range", s => new Reads(s, (from, to, max) => (from > long.MinValue ? from - 1 : from, to, max)), "reads-stay-in-their-range"),
        new("reads-as-much-as-there-is", s => new Reads(s, (from, to, max) => (from, to, int.MaxValue)), "a-read-returns-a-frame-at-least"),
        new("reads-nothing-when-a-frame-is-too-long", s => new Exact(s), "a-read-returns-a-frame-at-least"),
        new("leaves-a-frame-out", s => new Frames(s, frames => frames.Where((_, i) => i != 1)), "appended-frames-are-read", "a-seal-reads-what-was-appended"),
        new("flips-a-bit", s => new Frames(s, frames => frames.Select(f => f with { Bytes = (byte[])[.. f.Bytes.Span[..^1], (byte)(f.Bytes.Span[^1] ^ 1)] })), "appended-frames-are-read"),
        new("a-missing-journal-is-damage", s => new Frames(s, frames => frames.Any() ? frames : throw new CorruptDataException("journal", 0, "it should be there")), "a-journal-that-is-not-there-is-empty"),
        new("seals-one-too-low", s => new Seals(s, (end, _) => Math.Max(0, end - 1)), "sealing-finds-the-end"),
        new("seals-elsewhere-the-second-time", s => new Seals(s, (end, times) => end + times - 1), "sealing-finds-the-end"),
        new("forgets-a-seal-of-nothing", s => new ForgetsSeals(s), "a-journal-that-was-never-created-ends-at-0"),
        new("fences-late", s => new FencesLate(s), "sealers-agree"),
        new("ignores-the-fence", s => new Writers(s, w => async (f, c) =>
        {
            try
            {
                await w.AppendAsync(f, c);
            }
            catch (JournalFencedException)
            {
                // "It was stored, after all."
            }
        }), "a-sealed-journal-confirms-nothing", "a-writer-paused-before-its-write-confirms-nothing", "a-writer-paused-before-its-confirmation-confirms-nothing", "a-writer-paused-while-its-journal-is-deleted-confirms-nothing"),
        new("does-not-say-that-it-is-sealed", s => new Writers(s, w => async (f, c) =>
        {
            try
            {
                await w.AppendAsync(f, c);
            }
            catch (JournalFencedException e)
            {
                throw new StorageException(e.Message);
            }
        }), "a-seal-reads-what-was-appended"),
        new("one-call-at-a-time", s => new OneByOne(s), "others-go-on-beside-a-paused-writer"),
        new("trims-one-too-many", s => new Trims(s, below => below is > 0 and < long.MaxValue ? below + 1 : below), "trimming-keeps-what-is-needed", "trimming-what-is-not-there-is-harmless"),
        new("trims-far-too-many", s => new Trims(s, below => below is > 50 and < long.MaxValue ? below + 10 : below), "trimming-beside-reads"),
        new("deletes-what-is-in-use", s => new DeletesAll(s), "a-journal-in-use-is-not-deleted"),
        new("deletes-nothing", s => new Trims(s, below => below == long.MaxValue ? 0 : below), "a-sealed-journal-is-deleted"),
    ];

    private sealed class Writers(IStorage inner, Func<IJournalWriter, Func<IReadOnlyList<FrameToWrite>, CancellationToken, ValueTask>> append) : StorageDecorator(inner)
    {
        protected override IJournalWriter Wrap(string journal, IJournalWriter writer) => new WriterDecorator(writer, append(writer));
    }

    /// <summary>Confirms an append and writes it with the next one, or when somebody reads.</summary>
    private sealed class KeepsBack(IStorage inner, bool flushes) : StorageDecorator(inner)
    {
        private readonly Dictionary<string, Func<ValueTask>> _flush = [];

        public override async ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken)
        {
            if (flushes && _flush.TryGetValue(journal, out Func<ValueTask>? flush))
            {
                await flush();
            }

            return await base.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancellationToken);
        }

        protected override IJournalWriter Wrap(string journal, IJournalWriter writer)
        {
            FrameToWrite[] kept = [];
            _flush[journal] = () =>
            {
                FrameToWrite[] now = kept;
                kept = [];
                return writer.AppendAsync(now, default);
            };
            return new WriterDecorator(writer, async (frames, _) =>
            {
                await _flush[journal]();
                kept = [.. frames];
            });
        }
    }

    private sealed class Frames(IStorage inner, Func<IEnumerable<StoredFrame>, IEnumerable<StoredFrame>> change) : StorageDecorator(inner)
    {
        public override async ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
            [.. change(await base.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancellationToken))];
    }

    private sealed class Reads(IStorage inner, Func<long, long, int, (long From, long To, int Max)> change) : StorageDecorator(inner)
    {
        public override ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken)
        {
            (long from, long to, int max) = change(fromLsn, toLsn, maxBytes);
            return base.ReadFramesAsync(journal, from, to, max, cancellationToken);
        }
    }

    private sealed class Exact(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken)
        {
            long bytes = 0;
            return [.. (await base.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancellationToken)).TakeWhile(frame => (bytes += frame.Bytes.Length) <= maxBytes)];
        }
    }

    private sealed class ReadsAnother(IStorage inner) : StorageDecorator(inner)
    {
        private string? _first;

        public override ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
            base.ReadFramesAsync(_first ??= journal, fromLsn, toLsn, maxBytes, cancellationToken);
    }

    private sealed class CreatesAgain(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken)
        {
            try
            {
                return await base.CreateJournalAsync(journal, cancellationToken);
            }
            catch (StorageException)
            {
                return await base.CreateJournalAsync(journal + "'", cancellationToken);
            }
        }
    }

    private sealed class Seals(IStorage inner, Func<long, int, long> change) : StorageDecorator(inner)
    {
        private readonly Dictionary<string, int> _times = [];

        public override async ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
            change(await base.SealJournalAsync(journal, cancellationToken), _times[journal] = _times.GetValueOrDefault(journal) + 1);
    }

    private sealed class ForgetsSeals(IStorage inner) : StorageDecorator(inner)
    {
        private readonly HashSet<string> _created = [];

        public override ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken)
        {
            _created.Add(journal);
            return base.CreateJournalAsync(journal, cancellationToken);
        }

        public override ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
            _created.Contains(journal) ? base.SealJournalAsync(journal, cancellationToken) : ValueTask.FromResult(0L);
    }

    private sealed class FencesLate(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken)
        {
            long end = 0;
            while (await Inner.ReadFramesAsync(journal, end + 1, long.MaxValue, 1 << 20, cancellationToken) is { Count: > 0 } frames)
            {
                end = frames[^1].Lsn;
            }

            await Task.Delay(5, cancellationToken);
            await base.SealJournalAsync(journal, cancellationToken);
            return end;
        }
    }

    private sealed class OneByOne(IStorage inner) : StorageDecorator(inner)
    {
        private readonly SemaphoreSlim _turn = new(1);

        protected override IJournalWriter Wrap(string journal, IJournalWriter writer) => new WriterDecorator(writer, async (frames, cancel) =>
        {
            await _turn.WaitAsync(cancel);
            try
            {
                await writer.AppendAsync(frames, cancel);
            }
            finally
            {
                _turn.Release();
            }
        });
    }

    private sealed class Trims(IStorage inner, Func<long, long> change) : StorageDecorator(inner)
    {
        public override ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => base.TrimJournalAsync(journal, change(belowLsn), cancellationToken);
    }

    private sealed class DeletesAll(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken)
        {
            if (belowLsn == long.MaxValue)
            {
                await Inner.SealJournalAsync(journal, cancellationToken);
            }

            await base.TrimJournalAsync(journal, belowLsn, cancellationToken);
        }
    }
}
