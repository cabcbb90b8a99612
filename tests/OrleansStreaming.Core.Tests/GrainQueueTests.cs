namespace OrleansStreaming.Core.Tests;

public class GrainQueueTests
{
    /// <summary>What comes out is what went in first, wherever in its memory it begins when that must grow.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_went_in_first_comes_out_first(int seed)
    {
        var random = new Random(seed);
        var queue = new GrainQueue();
        var expected = new Queue<Grain>();
        for (int i = 0; i < 20_000; i++)
        {
            bool grows = i / 3000 % 2 == 0; // Some thousand more at times, and then nearly none.
            if (random.Next(10) < (grows ? 6 : 4) || expected.Count == 0)
            {
                var grain = new Grain([], (ulong)i);
                queue.Enqueue(grain);
                expected.Enqueue(grain);
            }
            else
            {
                queue.Dequeue().ShouldBeSameAs(expected.Dequeue());
            }

            queue.Count.ShouldBe(expected.Count);
        }

        while (expected.TryDequeue(out Grain? grain))
        {
            queue.Dequeue().ShouldBeSameAs(grain);
        }
    }
}
