namespace OrleansStreaming.Core.Tests;

public class UndoLogTests
{
    /// <summary>Against a plain list: what was added first comes out first, each with its copy, wherever in its memory it lies when that must grow.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_grain_has_its_newest_copy_until_it_is_taken_out(int seed)
    {
        var random = new Random(seed);
        var states = new Numbers();
        var log = new UndoLog(states);
        Grain[] grains = [.. Enumerable.Range(0, 5000).Select(i => new Grain([], (ulong)i))];
        var expected = new List<(Grain Grain, long Position, long Lsn)>();
        for (int i = 0; i < 40_000; i++)
        {
            Grain grain = grains[random.Next(grains.Length)];
            bool grows = i / 4000 % 2 == 0;
            switch (random.Next(grows ? 12 : 20))
            {
                case < 8:
                    grain.Position = states.Now = i;
                    expected.RemoveAll(e => e.Grain == grain);
                    bool hasState = random.Next(4) > 0;
                    log.Add(grain, -i, hasState);
                    expected.Add((grain, hasState ? i : UndoEntry.NoCopy, -i));
                    break;
                case < 10:
                    log.Remove(grain);
                    expected.RemoveAll(e => e.Grain == grain);
                    break;
                default:
                    TakeOldest(requeue: random.Next(3) == 0);
                    break;
            }

            Check(grain);
        }

        Enumerable.Range(0, (int)(log.End - log.First)).Select(i => log.GrainAt(log.First + i)).Where(g => g is not null).ShouldBe(expected.Select(e => e.Grain));
        grains.ShouldAllBe(g => g.UndoAt < 0 == !expected.Exists(e => e.Grain == g));
        expected.Count.ShouldBeGreaterThan(100);
        while (log.Count > 0)
        {
            TakeOldest(requeue: false);
        }

        expected.ShouldBeEmpty();
        grains.ShouldAllBe(g => g.UndoAt < 0);

        void TakeOldest(bool requeue)
        {
            while (log.Count > 0 && log.Peek() is null)
            {
                log.Drop(); // One that was removed from the middle.
            }

            if (log.Count == 0)
            {
                expected.ShouldBeEmpty();
                return;
            }

            Grain oldest = log.Peek()!;
            oldest.ShouldBeSameAs(expected[0].Grain);
            Check(oldest);
            if (requeue)
            {
                log.Requeue();
                expected.Add(expected[0]);
            }
            else
            {
                log.Drop();
                oldest.UndoAt.ShouldBeLessThan(0);
            }

            expected.RemoveAt(0);
            if (requeue)
            {
                Check(oldest);
            }
        }

        void Check(Grain grain)
        {
            int at = expected.FindIndex(e => e.Grain == grain);
            bool has = at >= 0 && expected[at].Position != UndoEntry.NoCopy;
            log.TryFind(grain, out UndoEntry entry).ShouldBe(has);
            if (has)
            {
                (entry.Position, entry.OwnLsn).ShouldBe((expected[at].Position, expected[at].Lsn));
                log.Restore(grain, null);
                states.Restored.ShouldBe(entry.Position);
            }
        }
    }

    [Fact]
    public void Without_copies_of_states_an_entry_has_none()
    {
        var log = new UndoLog(null);
        var grain = new Grain([], 1) { Position = 5 };
        log.Add(grain, 1, hasState: true);
        log.TryFind(grain, out _).ShouldBeFalse();
        log.Peek().ShouldBeSameAs(grain);
        log.Requeue();
        log.Drop();
        (log.Count, grain.UndoAt).ShouldBe((0, -1));
    }

    /// <summary>States that are the position of their grain.</summary>
    private sealed class Numbers : StateCopies
    {
        private readonly Ring<long> _numbers = new();

        public long Now { get; set; }

        public long Restored { get; private set; }

        public override void Take(long number) => _numbers[number] = Now;

        public override void Restore(long number, OperatorGrain? grain) => Restored = _numbers[number];

        public override void Move(long from, long to) => _numbers[to] = _numbers[from];

        public override void Resize(int capacity, long first, long end) => _numbers.Resize(capacity, first, end);
    }
}
