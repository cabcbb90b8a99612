using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests;

public class BuilderTests
{
    [Fact]
    public void A_topology_is_built_whatever_the_order_of_the_calls()
    {
        Topology topology = new StreamingBuilder()
            .AddSink<JsonLinesSink<Report>>(from: "reports")
            .AddOperator<Delays>(from: "flights", to: "reports", configure: o => o.MaxAttempts = 5)
            .AddSource("flights", _ => new FileSource<Flight>("flights.json"))
            .AddSink("reports", _ => new DelegateSink<Report>(_ => { }))
            .AddStream<Flight>("flights", keyedBy: f => f.Origin, s => s.Partitions(4).Strict().Retain(TimeSpan.FromDays(1), 1000))
            .AddStream<Report>("reports", keyedBy: r => r.Airport)
            .DefaultPartitions(3)
            .Build();

        StreamDefinition flights = topology.Stream("flights");
        flights.PartitionCount.ShouldBe(4);
        flights.Strict.ShouldBeTrue();
        flights.Feedback.ShouldBeFalse();
        flights.Internal.ShouldBeFalse();
        flights.KeyKind.ShouldBe(KeyKind.String);
        flights.RetainFor.ShouldBe(TimeSpan.FromDays(1));
        flights.RetainBytes.ShouldBe(1000);
        flights.Find<Flight>().ShouldNotBeNull().Name.ShouldBe("OrleansStreaming.Abstractions.Tests.Flight");
        topology.Stream("reports").PartitionCount.ShouldBe(3);

        OperatorDefinition delays = topology.Operator("Delays");
        delays.GrainType.ShouldBe(typeof(Delays));
        delays.StateType.ShouldBe(typeof(Stats));
        delays.From.ShouldBe(flights);
        delays.To.ShouldBe([topology.Stream("reports")]);
        delays.Options.MaxAttempts.ShouldBe(5);
        topology.Operators.Count.ShouldBe(1);

        topology.Sinks.Select(s => s.Name).ShouldBe(["reports.JsonLinesSink", "reports.sink"]);
        SinkDefinition sink = topology.Sinks[0];
        sink.Name.ShouldBe("reports.JsonLinesSink");
        sink.From.Name.ShouldBe("reports");
        sink.EventType.ClrType.ShouldBe(typeof(Report));
        sink.Factory(EmptyServices.Instance).ShouldBeOfType<JsonLinesSink<Report>>();
        SourceDefinition source = topology.Sources.ShouldHaveSingleItem();
        source.Name.ShouldBe("flights.source");
        source.Factory(EmptyServices.Instance).ShouldBeOfType<FileSource<Flight>>();
    }

    [Fact]
    public void Dead_letters_get_a_stream_that_others_can_read()
    {
        Topology topology = Build.Builder()
            .AddOperator<Delays>(from: "flights")
            .AddOperator<Reports>(from: "reports", configure: o => o.OnFailure = FailurePolicy.Skip)
            .AddSink<ConsoleSink<DeadLetter>>(from: "Delays.deadletters")
            .Build();

        StreamDefinition letters = topology.Stream("Delays.deadletters");
        letters.Internal.ShouldBeTrue();
        letters.PartitionCount.ShouldBe(1);
        letters.KeyKind.ShouldBe(KeyKind.String);
        letters.Find<DeadLetter>().ShouldNotBeNull();
        topology.Operator("Delays").DeadLetters.ShouldBe(letters);
        topology.Operator("Reports").DeadLetters.ShouldBeNull();
        topology.FindStream("Reports.deadletters").ShouldBeNull();
    }

    [Fact]
    public void Several_inputs_become_an_inbox_with_a_relay_for_each()
    {
        Topology topology = new StreamingBuilder()
            .AddStream<Flight>("flights", keyedBy: f => f.Origin, s => s.Strict().Partitions(2))
            .AddStream<Report>("reports", keyedBy: r => r.Airport, s => s.Also<Flight>(f => f.Origin))
            .AddOperator<Both>(from: ["flights", "reports"], to: (string[])[], name: "both", configure: o => o.InboxPartitions = 5)
            .Build();

        StreamDefinition inbox = topology.Stream("both.inbox");
        inbox.Internal.ShouldBeTrue();
        inbox.Strict.ShouldBeTrue();
        inbox.PartitionCount.ShouldBe(5);
        inbox.Types.Select(t => t.ClrType).ShouldBe([typeof(Flight), typeof(Report)]);
        inbox.Types.Select(t => t.Index).ShouldBe([0, 1]);
        inbox.Find<Flight>().ShouldNotBeSameAs(topology.Stream("flights").Find<Flight>());
        topology.Operator("both").From.ShouldBe(inbox);
        foreach (string input in (string[])["flights", "reports"])
        {
            OperatorDefinition relay = topology.Operator("both<" + input);
            relay.GrainType.ShouldBeNull();
            relay.StateType.ShouldBeNull();
            relay.DeadLetters.ShouldBeNull();
            relay.From.Name.ShouldBe(input);
            relay.To.ShouldBe([inbox]);
        }

        topology.Operators.Count.ShouldBe(3);
    }

    [Fact]
    public void Keys_may_be_strings_numbers_and_guids()
    {
        Topology topology = new StreamingBuilder()
            .AddStream<Flight>("by-number", keyedBy: f => f.Delay)
            .AddStream<Flight>("by-guid", keyedBy: _ => Guid.Empty)
            .AddStream<Ping>("pings", keyedBy: p => p.Id)
            .AddOperator<Pings>(from: "pings")
            .Build();
        topology.Stream("by-number").KeyKind.ShouldBe(KeyKind.Int64);
        topology.Stream("by-guid").KeyKind.ShouldBe(KeyKind.Guid);
        byte[] key = new byte[8];
        topology.Stream("pings").Find<Ping>().ShouldNotBeNull().Key(new Ping(7), key).ShouldBe(8);
        key[0].ShouldBe((byte)7);
    }

    [Fact]
    public void A_consumer_of_a_base_type_takes_what_derives_from_it() =>
        Build.Builder().AddOperator<Anything>(from: ["flights", "reports"]).Build().Operators.Count.ShouldBe(3);

    [Fact]
    public void A_stream_that_nobody_reads_is_fine() => Build.Builder().Build().Streams.Count.ShouldBe(2);

    [Fact]
    public void A_feedback_stream_closes_a_cycle() =>
        new StreamingBuilder()
            .AddStream<Flight>("a", keyedBy: f => f.Origin, s => s.Feedback())
            .AddOperator<Delays>(from: "a", to: "a")
            .Build().Stream("a").Feedback.ShouldBeTrue();

    [Fact]
    public void Serialisers_are_taken_wherever_they_are_declared()
    {
        Own<Flight> own = new();
        Topology topology = Build.Builder().UseSerializer(own).Build();
        topology.Stream("flights").Find<Flight>()!.Serializer.ShouldBeSameAs(own);
        topology.Serializers.Get<Flight>().ShouldBeSameAs(own);
    }

    [Fact]
    public void Names_of_streams_come_in_many_forms()
    {
        StreamNames one = "a";
        StreamNames array = (string[])["a", "b"];
        StreamNames expression = ["a", "b"];
        one.ShouldBe(["a"]);
        array.ShouldBe(expression);
        (array == expression).ShouldBeTrue();
        (one != expression).ShouldBeTrue();
        expression.ToString().ShouldBe("a, b");
        default(StreamNames).Count.ShouldBe(0);
        Build.Builder().AddOperator<Delays>(from: "flights", to: []).Build().Operators[0].To.ShouldBeEmpty();
        Should.Throw<ArgumentNullException>(() => { StreamNames names = (string)null!; });
        Should.Throw<ArgumentNullException>(() => { StreamNames names = ["a", null!]; });
    }

    private sealed class EmptyServices : IServiceProvider
    {
        public static readonly EmptyServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }

    private sealed class Own<T> : IEventSerializer<T>
    {
        public string Schema => "own";

        public bool CanRead(string storedSchema) => false;

        public void Write(in T value, System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

        public T Read(ReadOnlySpan<byte> bytes) => throw new NotSupportedException();
    }
}
