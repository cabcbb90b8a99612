using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core.Tests;

public class GrainMapTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_finds_what_a_dictionary_finds_through_additions_and_removals(bool numbers)
    {
        var map = new GrainMap(hashIsKey: numbers);
        var model = new Dictionary<string, Grain>();
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            int number = random.Next(3000);
            byte[] key = numbers ? BitConverter.GetBytes((long)number) : System.Text.Encoding.UTF8.GetBytes($"k{number}");
            ulong hash = KeyHash.Compute(key);
            string name = Convert.ToHexString(key);
            Grain? found = map.Find(hash, key);
            found.ShouldBeSameAs(model.GetValueOrDefault(name));
            if (found is null)
            {
                var grain = new Grain(key, hash);
                map.Add(grain);
                model.Add(name, grain);
            }
            else if (random.Next(3) == 0)
            {
                map.Remove(found);
                model.Remove(name);
            }
        }

        map.Count.ShouldBe(model.Count);
        var seen = new HashSet<Grain>();
        map.Sweep(0, int.MaxValue, g => seen.Add(g).ShouldBeTrue());
        seen.SetEquals(model.Values).ShouldBeTrue();
    }

    [Fact]
    public void Keys_with_one_hash_are_told_apart()
    {
        var map = new GrainMap();
        map.Add(new Grain([1], 42));
        map.Add(new Grain([2], 42));
        map.Find(42, [1])!.Key.ShouldBe([1]);
        map.Find(42, [2])!.Key.ShouldBe([2]);
        map.Find(42, [3]).ShouldBeNull();
    }
}
