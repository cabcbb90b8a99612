using FsCheck;
using FsCheck.Fluent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Core.Tests;

public class VectorTests
{
    [Fact]
    public void Merge_is_the_maximum_per_journal() => Prop.ForAll(
        Vectors, Vectors, (a, b) =>
        {
            CausalityVector? merged = CausalityVector.Merge(Make(a), Make(b));
            return Enumerable.Range(0, 6).All(j => (merged?[j] ?? 0) == Math.Max(a[j], b[j]));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Merge_returns_an_argument_that_covers_the_other()
    {
        CausalityVector small = CausalityVector.With(null, 1, 5), large = CausalityVector.With(small, 2, 7);
        CausalityVector.Merge(small, large).ShouldBeSameAs(large);
        CausalityVector.Merge(large, small).ShouldBeSameAs(large);
        CausalityVector.Merge(null, large).ShouldBeSameAs(large);
        CausalityVector.Merge(large, null).ShouldBeSameAs(large);
    }

    [Fact]
    public void Prune_drops_what_is_durable_and_nothing_else()
    {
        var journals = new JournalTable();
        CausalityVector vector = CausalityVector.With(CausalityVector.With(null, 1, 5), 2, 7);
        vector.Prune(journals).ShouldBeSameAs(vector);
        journals.Advance(1, 5).ShouldBeTrue();
        vector.Prune(journals)!.ToString().ShouldBe("{J2:7}");
        journals.Advance(2, 6);
        vector.Prune(journals)!.ToString().ShouldBe("{J2:7}");
        journals.Advance(2, 7);
        vector.Prune(journals).ShouldBeNull();
    }

    [Fact]
    public void What_lies_beyond_a_seal_is_lost_and_all_before_is_durable()
    {
        var journals = new JournalTable();
        journals.Seal(3, 10);
        CausalityVector before = CausalityVector.With(null, 3, 10), beyond = CausalityVector.With(null, 3, 11);
        journals.IsLost(before).ShouldBeFalse();
        before.Prune(journals).ShouldBeNull();
        journals.FirstLost(beyond, out Dependency lost).ShouldBeTrue();
        lost.ShouldBe(new Dependency(3, 11));
        journals.Advance(3, 12).ShouldBeFalse("a late watermark changes nothing");
        journals.IsLost(beyond).ShouldBeTrue();
    }

    [Fact]
    public void A_seal_below_a_watermark_breaks_a_rule()
    {
        var journals = new JournalTable();
        journals.Advance(0, 8);
        Should.Throw<ProtocolException>(() => journals.Seal(0, 7));
    }

    [Fact]
    public void A_vector_survives_its_encoding() => Prop.ForAll(Vectors, a =>
    {
        CausalityVector? vector = Make(a);
        byte[] bytes = new byte[VectorCodec.MaxSize(vector)];
        int written = 0, read = 0;
        VectorCodec.Write(bytes, ref written, vector);
        CausalityVector? back = VectorCodec.Read(bytes, ref read);
        return read == written && (back?.ToString() ?? "{}") == (vector?.ToString() ?? "{}");
    }).QuickCheckThrowOnFailure();

    private static Arbitrary<long[]> Vectors => Gen.ArrayOf(Gen.Choose(0, 20).Select(i => (long)i), 6).ToArbitrary();

    private static CausalityVector? Make(long[] entries) => CausalityVector.Of(
        [.. entries.Select((lsn, journal) => new Dependency(journal, lsn)).Where(d => d.Lsn > 0)]);
}
