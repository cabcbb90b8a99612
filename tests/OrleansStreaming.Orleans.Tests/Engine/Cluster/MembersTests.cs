using System.Collections.Immutable;
using System.Net;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What the record of journals and Orleans' membership come to.</summary>
public sealed class MembersTests
{
    private static readonly SiloAddress A = Address(1, 100);
    private static readonly SiloAddress B = Address(2, 100);

    [Fact]
    public void The_journals_of_active_silos_are_live_and_take_partitions()
    {
        Members members = Compute([("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)]);
        members.Places.ShouldBe(["a", "b"]);
        members.Live.ShouldBe(new Dictionary<string, int> { ["a"] = 0, ["b"] = 1 }, ignoreOrder: true);
        members.Writers[1].ShouldBe(B);
        members.Dead.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(MemberStatus.Joining)]
    [InlineData(MemberStatus.ShuttingDown)]
    [InlineData(MemberStatus.Stopping)]
    public void A_silo_that_comes_or_goes_lives_and_takes_no_partitions(MemberStatus status)
    {
        Members members = Compute([("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", status)]);
        members.Places.ShouldBe(["a"]);
        members.Live.ShouldContainKey("b");
        members.Dead.ShouldBeEmpty();
    }

    [Fact]
    public void A_silo_that_has_said_that_it_leaves_takes_no_partitions()
    {
        Members members = Compute(
            [("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)], leaving: [B.ToParsableString()]);
        members.Places.ShouldBe(["a"]);
        members.Live.ShouldContainKey("b");
    }

    [Fact]
    public void Where_all_leave_partitions_are_placed_on_all()
    {
        Members members = Compute(
            [("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.ShuttingDown)], leaving: [A.ToParsableString()]);
        members.AnyStays.ShouldBeFalse();
        members.Places.ShouldBe(["a", "b"]);
    }

    [Fact]
    public void Where_nobody_stays_any_more_who_hands_over_takes_no_partitions()
    {
        string[] both = [A.ToParsableString(), B.ToParsableString()];
        Members members = Compute(
            [("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)], leaving: both, handingOver: [B.ToParsableString()]);
        members.Places.ShouldBe(["a"]);
        members.Staying.ShouldBeEmpty();
        Compute([("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)], leaving: both, handingOver: both)
            .Places.ShouldBe(["a", "b"]);
    }

    [Fact]
    public void The_journals_of_a_dead_silo_are_to_be_sealed_but_for_those_that_are()
    {
        Members members = Compute(
            [("a", 1, A), ("b", 1, B), ("b", 2, B)], [1], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Dead)]);
        members.Dead.ShouldBe([2]);
        members.Live.Keys.ShouldBe(["a"]);
    }

    [Fact]
    public void A_silo_that_membership_does_not_know_is_unclear_until_membership_has_been_asked_again()
    {
        (string, int, SiloAddress)[] journals = [("a", 1, A), ("b", 1, B)];
        Members before = Compute(journals, [], [(A, "a", MemberStatus.Active)]);
        before.Unclear.ShouldBe([B.ToParsableString()]);
        before.Dead.ShouldBeEmpty();
        Members after = Compute(journals, [], [(A, "a", MemberStatus.Active)], gone: [B.ToParsableString()]);
        after.Unclear.ShouldBeEmpty();
        after.Dead.ShouldBe([1]);
    }

    [Fact]
    public void Of_the_journals_of_a_process_the_newest_is_live()
    {
        Members members = Compute([("a", 1, A), ("b", 1, B), ("b", 2, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)]);
        members.Live["b"].ShouldBe(2);
        members.Dead.ShouldBe([1]);
    }

    [Fact]
    public void A_journal_whose_writer_has_ended_is_to_be_sealed_though_its_process_lives()
    {
        Members members = Compute([("a", 1, A), ("b", 1, B)], [], [(A, "a", MemberStatus.Active), (B, "b", MemberStatus.Active)], ended: [1]);
        members.Dead.ShouldBe([1]);
        members.Live.ShouldNotContainKey("b");
    }

    [Fact]
    public void Two_processes_of_one_name_are_told_apart_by_their_addresses()
    {
        Members members = Compute(
            [("a", 1, A), ("a", 2, B)], [], [(A, "a", MemberStatus.Active), (B, "a", MemberStatus.Active)]);
        string first = $"a@{A.ToParsableString()}", second = $"a@{B.ToParsableString()}";
        members.Places.ShouldBe([first, second]);
        members.Live.ShouldBe(new Dictionary<string, int> { [first] = 0, [second] = 1 }, ignoreOrder: true);
        members.NameOf(B.ToParsableString()).ShouldBe(second);
        members.Dead.ShouldBeEmpty();
    }

    [Fact]
    public void The_own_journal_counts_only_once_it_has_been_joined()
    {
        (string, int, SiloAddress)[] journals = [("a", 1, A)];
        Compute(journals, [], [(A, "a", MemberStatus.Active)], journal: -1).Live.ShouldBeEmpty();
        Compute(journals, [], [(A, "a", MemberStatus.Active)]).Live.ShouldContainKey("a");
    }

    [Fact]
    public void A_journal_without_a_process_was_written_by_one_that_knew_no_others_and_is_to_be_sealed()
    {
        var record = new ClusterRecord { Journals = [new JournalInfo("silo0", 1), new JournalInfo("a", 1) { Host = A.ToParsableString() }] };
        Members members = Members.Of(record, Snapshot([(A, "a", MemberStatus.Active)]), new Members.Known(A.ToParsableString(), 1, new HashSet<int>(), new HashSet<string>(), new HashSet<string>(), new HashSet<string>()));
        members.Dead.ShouldBe([0]);
    }

    private static Members Compute(
        (string Silo, int Epoch, SiloAddress Host)[] journals,
        int[] sealedOnes,
        (SiloAddress, string, MemberStatus)[] silos,
        int journal = 0,
        int[]? ended = null,
        string[]? leaving = null,
        string[]? gone = null,
        string[]? handingOver = null)
    {
        var record = new ClusterRecord
        {
            Journals = [.. journals.Select(j => new JournalInfo(j.Silo, j.Epoch) { Host = j.Host.ToParsableString() })],
            Seals = [.. sealedOnes.Select(j => new Seal(j, 1))],
        };
        return Members.Of(record, Snapshot(silos), new Members.Known(
            A.ToParsableString(), journal, (ended ?? []).ToHashSet(), (leaving ?? []).ToHashSet(), (gone ?? []).ToHashSet(), (handingOver ?? []).ToHashSet()));
    }

    private static ClusterMembershipSnapshot Snapshot((SiloAddress Address, string Name, MemberStatus Status)[] silos) => new(
        silos.ToImmutableDictionary(s => s.Address, s => new ClusterMember(s.Address, s.Status, s.Name)), new MembershipVersion(1));

    private static SiloAddress Address(int port, int generation) => SiloAddress.New(new IPEndPoint(IPAddress.Loopback, port), generation);
}
