using System.Text;
using System.Text.RegularExpressions;
using OrleansStreaming.Topologies;
using static OrleansStreaming.Abstractions.Tests.Deployment.ManifestFixtures;

namespace OrleansStreaming.Abstractions.Tests.Deployment;

public class MergeTests
{
    private static IReadOnlyList<string> Changes(Action<StreamingBuilder> stored, Action<StreamingBuilder> declared)
    {
        Manifest(stored).Merge(Topology(declared), out IReadOnlyList<string> changes);
        return changes;
    }

    private static void Refused(Action<StreamingBuilder> stored, Action<StreamingBuilder> declared, params string[] differences)
    {
        Topology topology = Topology(declared);
        DeploymentManifest manifest = Manifest(stored);
        Should.Throw<DeploymentMismatchException>(() => manifest.Merge(topology, out _)).Differences.ShouldBe(differences);
        topology.Streams.ShouldAllBe(s => s.Id == -1, "a refused topology is left as it was");
    }

    [Fact]
    public void New_things_get_new_ids() =>
        Changes(b => b.Flights(), b => b.Reports().Flights().Operator<Delays>("flights").AddSink<ConsoleSink<Report>>("reports")).ShouldBe(
            ["Stream 'reports' is new (id 2).", "Operator 'Delays' is new (id 1).", "Sink 'reports.ConsoleSink' is new (id 1)."]);

    [Fact]
    public void Removed_things_are_retired_and_their_ids_stay_theirs()
    {
        DeploymentManifest first = Manifest(b => b.Flights().Reports().Operator<Reports>("reports").AddSink<ConsoleSink<Report>>("reports"));
        DeploymentManifest second = first.Merge(Topology(b => b.Flights()), out IReadOnlyList<string> gone);
        gone.ShouldBe(
        [
            "Stream 'reports' (id 2) is no longer declared and is retired; its name and id stay reserved.",
            "Operator 'Reports' (id 1) is no longer declared and is retired; its name and id stay reserved.",
            "Sink 'reports.ConsoleSink' (id 1) is no longer declared and is retired; its name and id stay reserved.",
        ]);
        second.Merge(Topology(b => b.Flights()), out IReadOnlyList<string> again);
        again.ShouldBeEmpty();

        Topology other = Topology(b => b.Flights().AddStream<Report>("other", r => r.Airport).Operator<Reports>("other", "mine"));
        DeploymentManifest third = DeploymentManifest.Parse(second.ToBytes()).Merge(other, out _);
        other.Stream("other").Id.ShouldBe(3);
        other.Operator("mine").Id.ShouldBe(2);
        third.NextIds.ShouldBe(new NextIds(4, 3, 2));

        Topology back = Topology(b => b.Flights().Reports().Operator<Reports>("reports"));
        third.Merge(back, out IReadOnlyList<string> changes);
        back.Stream("reports").Id.ShouldBe(2);
        back.Operator("Reports").Id.ShouldBe(1);
        changes.ShouldBe(
        [
            "Stream 'reports' is back (id 2).",
            "Stream 'other' (id 3) is no longer declared and is retired; its name and id stay reserved.",
            "Operator 'Reports' is back (id 1).",
            "Operator 'mine' (id 2) is no longer declared and is retired; its name and id stay reserved.",
        ]);
    }

    [Fact]
    public void A_retired_name_cannot_come_back_as_something_else()
    {
        DeploymentManifest retired = Manifest(b => b.Flights(s => s.Partitions(4))).Merge(Topology(b => b.Reports()), out _);
        Should.Throw<DeploymentMismatchException>(() => retired.Merge(Topology(b => b.Flights(s => s.Partitions(5))), out _));
    }

    [Fact]
    public void Partitions_and_keys_cannot_change() =>
        Refused(
            b => b.Flights(s => s.Partitions(4)).Reports(),
            b => b.AddStream<Flight>("flights", f => f.Delay, s => s.Partitions(5)).Reports().DefaultPartitions(9),
            "Stream 'flights' has 4 partitions and would now have 5, which would move keys away from their state: use Partitions(4), or start a new stream.",
            "Stream 'flights' is keyed by string and would now be keyed by long: key it by string, or start a new stream.",
            "Stream 'reports' has 8 partitions and would now have 9, which would move keys away from their state: use Partitions(8), or start a new stream.");

    [Fact]
    public void Internal_streams_say_where_their_partitions_are_set() =>
        Refused(
            b => b.Flights().Reports().AddOperator<Both>(["flights", "reports"]),
            b => b.Flights().Reports().AddOperator<Both>(["flights", "reports"], configure: o => { o.DeadLetterPartitions = 2; o.InboxPartitions = 3; }),
            "Stream 'Both.deadletters' has 1 partitions and would now have 2, which would move keys away from their state: use DeadLetterPartitions = 1 in the options of its operator, or start a new stream.",
            "Stream 'Both.inbox' has 8 partitions and would now have 3, which would move keys away from their state: use InboxPartitions = 8 in the options of its operator, or start a new stream.");

    [Fact]
    public void Operators_and_sinks_stay_on_their_stream() =>
        Refused(
            b => b.Flights().AddStream<Flight>("more", f => f.Origin).Operator<Delays>("flights").AddSink<ConsoleSink<Flight>>("flights", "s"),
            b => b.Flights().AddStream<Flight>("more", f => f.Origin).Operator<Delays>("more").AddSink<ConsoleSink<Flight>>("more", "s"),
            "Operator 'Delays' read stream 'flights' and would now read 'more', where its stored positions mean nothing: give it a new name, or let it read 'flights' again.",
            "Sink 's' read stream 'flights' and would now read 'more', where its stored positions mean nothing: give it a new name, or let it read 'flights' again.");

    [Fact]
    public void An_event_type_can_be_added_and_keeps_the_order_of_the_stored_ones()
    {
        DeploymentManifest first = Manifest(b => b.Flights(s => s.Also<Report>(r => r.Airport)));
        Topology topology = Topology(b => b.AddStream<Ping>("flights", p => "k", s => s.Also<Report>(r => r.Airport).Also<Flight>(f => f.Origin)));
        first.Merge(topology, out IReadOnlyList<string> changes);
        changes.ShouldBe(["Stream 'flights' carries OrleansStreaming.Abstractions.Tests.Ping, too."]);
        StreamDefinition stream = topology.Stream("flights");
        stream.Types.Select(t => t.ClrType).ShouldBe([typeof(Flight), typeof(Report), typeof(Ping)]);
        stream.Types.Select(t => t.Index).ShouldBe([0, 1, 2]);
    }

    [Fact]
    public void An_event_type_cannot_be_removed() =>
        Refused(
            b => b.Flights(s => s.Also<Report>(r => r.Airport)),
            b => b.Flights(),
            "Stream 'flights' carried OrleansStreaming.Abstractions.Tests.Report and no longer does, but stored events of it may be read again: declare the type again (with Also), or start a new stream.");

    [Fact]
    public void A_layout_cannot_change() =>
        Refused(
            b => b.Flights().AddStream<One.Point>("points", _ => 1).Operator<One.Counter>("flights", "count"),
            b => b.Flights().AddStream<One.Point>("points", _ => 1).UseSerializer(new Versioned<One.Point>("mine")).Operator<Two.Counter>("flights", "count"),
            "Stream 'points', event type Point, was stored as 'blittable:{X=Int32@0};4' and would now be 'mine', which cannot read it: restore the old type, give it a serialiser that reads both (UseSerializer), or use a new name.",
            "Operator 'count', state Point, was stored as 'blittable:{X=Int32@0};4' and would now be 'blittable:{X=Int32@0,Y=Int32@4};8', which cannot read it: restore the old type, give it a serialiser that reads both (UseSerializer), or use a new name.");

    [Fact]
    public void From_layout_to_json_is_a_change_of_layout() =>
        Refused(
            b => b.Flights().Operator<Delays>("flights", "count"),
            b => b.Flights().Operator<JsonState>("flights", "count"),
            "Operator 'count', state Dictionary<string, int>, was stored as 'blittable:{Count=Int64@0,Sum=Double@8};16' and would now be 'json', which cannot read it: restore the old type, give it a serialiser that reads both (UseSerializer), or use a new name.");

    [Fact]
    public void Json_may_change() =>
        Changes(b => b.Flights().Operator<JsonState>("flights", "count"), b => b.Flights().Operator<JsonState2>("flights", "count")).ShouldBeEmpty();

    [Fact]
    public void A_serialiser_must_read_every_schema_that_was_ever_used()
    {
        DeploymentManifest v1 = Manifest(b => b.Flights().UseSerializer(new Versioned<Flight>("v1")));
        DeploymentManifest v2 = v1.Merge(Topology(b => b.Flights().UseSerializer(new Versioned<Flight>("v2", "v1"))), out IReadOnlyList<string> changes);
        changes.ShouldBe(["Stream 'flights', event type Flight, is stored in a new way: 'v2'."]);
        v2.Merge(Topology(b => b.Flights().UseSerializer(new Versioned<Flight>("v3", "v1", "v2"))), out _);
        v2.Merge(Topology(b => b.Flights().UseSerializer(new Versioned<Flight>("v1", "v2"))), out _);
        Should.Throw<DeploymentMismatchException>(() => v2.Merge(Topology(b => b.Flights().UseSerializer(new Versioned<Flight>("v3", "v2"))), out _))
            .Differences.ShouldHaveSingleItem().ShouldContain("was stored as 'v1' and would now be 'v3'");
    }

    [Fact]
    public void Another_key_hash_is_refused()
    {
        string text = Encoding.UTF8.GetString(Manifest(b => b.Flights()).ToBytes()).Replace("xxh64-1", "other-9");
        FormatException e = Should.Throw<FormatException>(() => DeploymentManifest.Parse(Encoding.UTF8.GetBytes(text)));
        string sum = Regex.Match(e.Message, "its content has ([0-9a-f]{8})").Groups[1].Value;
        text = Regex.Replace(text, "(\"checksum\": \")[0-9a-f]{8}", "${1}" + sum);
        DeploymentManifest other = DeploymentManifest.Parse(Encoding.UTF8.GetBytes(text));
        Should.Throw<DeploymentMismatchException>(() => other.Merge(Topology(b => b.Flights()), out _)).Differences.ShouldBe(
            ["Keys were hashed with 'other-9', and this version hashes with 'xxh64-1': start a version that knows 'other-9'."]);
    }

    [Fact]
    public void Names_of_generic_types_do_not_depend_on_assembly_versions() =>
        TypeNames.Stored(typeof(Dictionary<string, List<Flight[]>>)).ShouldBe(
            "System.Collections.Generic.Dictionary`2<System.String,System.Collections.Generic.List`1<OrleansStreaming.Abstractions.Tests.Flight[]>>");

    [Fact]
    public void An_operator_that_gets_a_second_input_reads_another_stream() =>
        Refused(
            b => b.Flights().Reports().Operator<Both>("flights"),
            b => b.Flights().Reports().Operator<Both>(["flights", "reports"]),
            "Operator 'Both' read stream 'flights' and would now read 'Both.inbox', where its stored positions mean nothing: give it a new name, or let it read 'flights' again.");

    public sealed class JsonState : OperatorGrain<Dictionary<string, int>>, IConsume<Flight>
    {
        public ValueTask OnEvent(Flight flight, EventContext context) => default;
    }

    public sealed class JsonState2 : OperatorGrain<SortedDictionary<string, long>>, IConsume<Flight>
    {
        public ValueTask OnEvent(Flight flight, EventContext context) => default;
    }

    private static class One
    {
        public struct Point
        {
            public int X;
        }

        public sealed class Counter : OperatorGrain<Point>, IConsume<Flight>
        {
            public ValueTask OnEvent(Flight flight, EventContext context)
            {
                State.X++;
                return default;
            }
        }
    }

    private static class Two
    {
        public struct Point
        {
            public int X;
            public int Y;
        }

        public sealed class Counter : OperatorGrain<Point>, IConsume<Flight>
        {
            public ValueTask OnEvent(Flight flight, EventContext context)
            {
                State.Y = ++State.X;
                return default;
            }
        }
    }
}
