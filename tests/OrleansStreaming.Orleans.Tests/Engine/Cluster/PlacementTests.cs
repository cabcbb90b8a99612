namespace OrleansStreaming.Clustering.Tests;

/// <summary>Partitions are spread evenly, and few of them move.</summary>
public sealed class PlacementTests
{
    [Theory]
    [InlineData(1, 8)]
    [InlineData(3, 8)]
    [InlineData(3, 24)]
    [InlineData(7, 100)]
    [InlineData(20, 8)]
    public void No_silo_has_more_than_its_share(int silos, int partitions)
    {
        IReadOnlyList<string> placed = Placement.Place(Names(silos), partitions);
        placed.Count.ShouldBe(partitions);
        placed.GroupBy(p => p).Max(g => g.Count()).ShouldBeLessThanOrEqualTo((partitions + silos - 1) / silos);
    }

    [Theory]
    [InlineData(3, 24)]
    [InlineData(5, 100)]
    [InlineData(10, 1000)]
    public void Few_partitions_of_the_others_move_when_a_silo_goes(int silos, int partitions)
    {
        IReadOnlyList<string> names = Names(silos);
        IReadOnlyList<string> before = Placement.Place(names, partitions);
        foreach (string gone in names)
        {
            IReadOnlyList<string> after = Placement.Place([.. names.Where(n => n != gone)], partitions);
            int moved = Enumerable.Range(0, partitions).Count(i => before[i] != gone && before[i] != after[i]);
            moved.ShouldBeLessThan(partitions / 4, $"without {gone}"); // By number modulo the silos it would be most of them.
        }
    }

    [Fact]
    public void There_is_no_place_without_silos() => Placement.Place([], 8).ShouldBeEmpty();

    private static List<string> Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"silo-{i:00}")];
}
