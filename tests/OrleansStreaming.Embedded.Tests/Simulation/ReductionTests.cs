using OrleansStreaming.Testing.Simulation;

namespace OrleansStreaming.Embedded.Tests.Simulation;

/// <summary>A smaller schedule goes into a command line and comes out again; and it is smaller.</summary>
public class ReductionTests
{
    [Theory]
    [InlineData("")]
    [InlineData("steps=120")]
    [InlineData("steps=120,silos=2,keys=3,events=40,without=Kill+FlippedBit,skip=0-3+7+9-10")]
    public void A_text_is_read_as_it_was_written(string text) => Assert.Equal(text, Reduction.Parse(text).ToString());

    [Theory]
    [InlineData("steps", "'steps' has no value")]
    [InlineData("steps=many", "'many' is not a number")]
    [InlineData("speed=3", "a reduction has no 'speed'")]
    [InlineData("without=Flood", "'Flood' is no kind of fault")]
    public void Mistakes_are_named(string text, string message) => Assert.Contains(message, Assert.Throws<FormatException>(() => Reduction.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Ranges_stand_for_all_their_numbers() => Assert.Equal([0, 1, 2, 3, 7], Reduction.Parse("skip=0-3+7").Skip.Order());

    [Fact]
    public void Silenced_faults_do_not_happen()
    {
        Totals plain = Run(Reduction.None), reduced = Run(Reduction.Parse("steps=300,without=Kill+StorageError+DeclaredDead"));

        Assert.True(Count(plain, FaultKind.StorageError) > 0 && Count(plain, FaultKind.DeclaredDead) > 0, "the seeds have none of these faults");
        Assert.Equal(0, Count(reduced, FaultKind.StorageError));
        Assert.Equal(0, Count(reduced, FaultKind.DeclaredDead));
        Assert.True(reduced.Steps < plain.Steps, $"{reduced.Steps} steps, {plain.Steps} before");
    }

    private static Totals Run(Reduction reduction)
    {
        var totals = new Totals();
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var world = new SimulatedWorld(seed, ScenarioCatalog.Find("mix-crashes"), null, reduction);
            Assert.Null(world.Run(TimeSpan.FromMinutes(1)));
            totals.Add(world.Totals);
        }

        return totals;
    }

    private static long Count(Totals totals, FaultKind kind) => totals.Faults().First(f => f.Kind == kind).Count;
}
