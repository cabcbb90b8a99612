namespace OrleansStreaming.Abstractions.Tests;

public class MistakeTests
{
    [Fact]
    public void An_unknown_stream_brings_a_suggestion() =>
        Build.Builder().AddOperator<Delays>(from: "flihgts", to: "Reports").ShouldFail(
            "Operator 'Delays' names stream 'flihgts', which does not exist: did you mean 'flights'?",
            "Operator 'Delays' names stream 'Reports', which does not exist: did you mean 'reports'?");

    [Fact]
    public void An_unknown_stream_that_is_like_none_brings_the_list() =>
        Build.Builder().AddSink<ConsoleSink<Flight>>(from: "xyz").AddSource<FileSource<Flight>>(to: "uvw").ShouldFail(
            "Sink 'xyz.ConsoleSink' names stream 'xyz', which does not exist: declared are flights, reports. Add it with AddStream.",
            "Source 'uvw.FileSource' names stream 'uvw', which does not exist: declared are flights, reports. Add it with AddStream.");

    [Fact]
    public void Without_any_stream_the_message_says_so() =>
        new StreamingBuilder().AddSink<ConsoleSink<Flight>>(from: "a").ShouldFail(
            "Sink 'a.ConsoleSink' names stream 'a', which does not exist: no stream is declared. Add it with AddStream.");

    [Fact]
    public void Names_must_differ() =>
        Build.Builder()
            .AddStream<Flight>("flights", keyedBy: f => f.Origin)
            .AddStream<Report>("Reports", keyedBy: r => r.Airport)
            .AddOperator<Delays>(from: "flights").AddOperator<Delays>(from: "flights")
            .AddSink<ConsoleSink<Flight>>("flights").AddSink<ConsoleSink<Flight>>("flights")
            .AddSource<Flight>("flights", _ => null!).AddSource<Flight>("flights", _ => null!)
            .ShouldFail(
                "2 streams are called 'flights': give each its own name.",
                "2 streams are called 'reports' and 'Reports', which differ only in case: give each its own name.",
                "2 operators are called 'Delays': give each its own name (name: in AddOperator).",
                "2 sinks are called 'flights.ConsoleSink': give each its own name (name: in AddSink).",
                "2 sources are called 'flights.source': give each its own name (name: in AddSource).");

    [Theory]
    [InlineData("", "The name of stream '' has 0 characters: give it 1 to 100.")]
    [InlineData("a b", "The name of stream 'a b' contains ' ': use letters (a to z), digits, '.', '_' and '-'.")]
    [InlineData("a/b", "The name of stream 'a/b' contains '/': use letters (a to z), digits, '.', '_' and '-'.")]
    [InlineData("é", "The name of stream 'é' contains 'é': use letters (a to z), digits, '.', '_' and '-'.")]
    [InlineData("..", "The name of stream '..' must start with a letter or a digit and must not end with '.'.")]
    [InlineData("a.", "The name of stream 'a.' must start with a letter or a digit and must not end with '.'.")]
    [InlineData("-a", "The name of stream '-a' must start with a letter or a digit and must not end with '.'.")]
    [InlineData("sys.a", "The name of stream 'sys.a' starts with 'sys.', which is reserved: choose another one.")]
    [InlineData("a.inbox", "The name of stream 'a.inbox' ends with '.inbox', which is reserved for streams that operators get by themselves: choose another one.")]
    [InlineData("a.deadletters", "The name of stream 'a.deadletters' ends with '.deadletters', which is reserved for streams that operators get by themselves: choose another one.")]
    public void Names_follow_rules(string name, string expected) =>
        new StreamingBuilder().AddStream<Flight>(name, keyedBy: f => f.Origin).ShouldFail(expected);

    [Fact]
    public void The_rules_hold_for_all_names()
    {
        string tooLong = new('x', 101);
        new StreamingBuilder().AddStream<Flight>(new string('x', 100), keyedBy: f => f.Origin).Build();
        Build.Builder()
            .AddStream<Flight>(tooLong, keyedBy: f => f.Origin)
            .AddOperator<Delays>(from: "flights", name: "a<b")
            .AddSink<ConsoleSink<Flight>>("flights", "a b")
            .AddSource<Flight>("flights", _ => null!, "a\n")
            .ShouldFail(
                $"The name of stream '{tooLong}' has 101 characters: give it 1 to 100.",
                "The name of operator 'a<b' contains '<': use letters (a to z), digits, '.', '_' and '-'.",
                "The name of sink 'a b' contains ' ': use letters (a to z), digits, '.', '_' and '-'.",
                "The name of source 'a\n' contains '\n': use letters (a to z), digits, '.', '_' and '-'.");
    }

    [Fact]
    public void Streams_have_limits() =>
        Build.Builder()
            .DefaultPartitions(0)
            .AddStream<Flight>("a", keyedBy: f => f.Origin, s => s.Partitions(0).Also<Flight>(f => f.Origin))
            .AddStream<Flight>("b", keyedBy: f => f.Origin, s => s.Partitions(1025).Retain(TimeSpan.Zero, 5))
            .AddStream<Flight>("c", keyedBy: f => f.Origin, s => s.Partitions(1024))
            .AddOperator<Delays>(from: ["a", "c"], configure: o => { o.DeadLetterPartitions = 0; o.InboxPartitions = -1; })
            .ShouldFail(
                "DefaultPartitions is 0: choose 1 to 1024.",
                "Stream 'a' has 0 partitions: choose 1 to 1024.",
                "Stream 'a' carries OrleansStreaming.Abstractions.Tests.Flight 2 times: name each type once in AddStream and Also.",
                "Stream 'b' has 1025 partitions: choose 1 to 1024.",
                "Stream 'b' retains 00:00:00 and 5 bytes: both must be positive; leave Retain out to keep nothing.",
                "Stream 'Delays.deadletters' has 0 partitions: choose 1 to 1024.",
                "Stream 'Delays.inbox' has -1 partitions: choose 1 to 1024.");

    [Fact]
    public void An_operator_takes_every_type_that_it_reads() =>
        Build.Builder()
            .AddStream<Flight>("mixed", keyedBy: f => f.Origin, s => s.Also<Report>(r => r.Airport))
            .AddOperator<Delays>(from: "mixed")
            .AddOperator<Reports>(from: ["flights", "reports"])
            .ShouldFail(
                "Operator 'Delays' (Delays) reads stream 'mixed', which carries Report, but does not implement IConsume<Report>: implement it, or read another stream.",
                "Operator 'Reports' (Reports) reads stream 'flights', which carries Flight, but does not implement IConsume<Flight>: implement it, or read another stream.");

    [Fact]
    public void Keys_must_agree() =>
        Build.Builder()
            .AddStream<Flight>("numbers", keyedBy: f => f.Delay)
            .AddOperator<Delays>(from: "numbers")
            .AddOperator<Delays>(from: ["flights", "numbers"], name: "two")
            .ShouldFail(
                "Operator 'Delays' (Delays) has keys of type string, but stream 'numbers' is keyed by long: derive from OperatorGrain<long, TState>, or key the stream by string.",
                "Operator 'two' (Delays) has keys of type string, but stream 'numbers' is keyed by long: derive from OperatorGrain<long, TState>, or key the stream by string.",
                "Operator 'two' reads streams with different types of keys ('flights' by string, 'numbers' by long): one operator reads one type of key.");

    [Fact]
    public void An_operator_is_a_class_that_can_be_made() =>
        Build.Builder()
            .AddOperator(typeof(string), from: "flights")
            .AddOperator<AbstractOne>(from: "flights")
            .AddOperator(typeof(Open<>), from: "flights")
            .AddOperator<Private>(from: "flights")
            .AddOperator<IntKeys>(from: "flights")
            .AddOperator<OperatorGrain>(from: "flights")
            .ShouldFail(
                "Operator 'string': string does not derive from OperatorGrain<TState> or OperatorGrain<TKey, TState>: let it derive from one of them.",
                "Operator 'AbstractOne': AbstractOne is abstract: add a class that can be made.",
                "Operator 'Open': Open<T> is an open generic type: name its type arguments.",
                "Operator 'Private': Private has no public constructor: give it one.",
                "Operator 'IntKeys': IntKeys has keys of type int: use string, long or Guid.",
                "Operator 'OperatorGrain': OperatorGrain does not derive from OperatorGrain<TState> or OperatorGrain<TKey, TState>: let it derive from one of them.");

    [Fact]
    public void Edges_are_named_once() =>
        Build.Builder().AddOperator<Delays>(from: (string[])[]).AddOperator<Delays>(from: ["flights", "flights"], to: ["reports", "reports"], name: "twice").ShouldFail(
            "Operator 'Delays' reads no stream: name at least one in 'from'.",
            "Operator 'twice' names stream 'flights' 2 times in 'from': name it once.",
            "Operator 'twice' names stream 'reports' 2 times in 'to': name it once.");

    [Fact]
    public void Streams_of_the_platform_are_not_written_to() =>
        Build.Builder()
            .AddOperator<Both>(from: ["flights", "reports"])
            .AddOperator<Delays>(from: "flights", to: ["Both.inbox", "Both.deadletters"])
            .AddSource<Flight>("Both.inbox", _ => null!)
            .ShouldFail(
                "Operator 'Delays' writes to 'Both.inbox', the inbox of operator 'Both', which only the platform writes to: write to a stream of your own and add it to the 'from' of 'Both'.",
                "Operator 'Delays' writes to 'Both.deadletters', the dead-letter stream of operator 'Both', which only the platform writes to: write to a stream of your own.",
                "Source 'Both.inbox.source' writes to 'Both.inbox', the inbox of operator 'Both', which only the platform writes to: write to a stream of your own and add it to the 'from' of 'Both'.");

    [Fact]
    public void Options_have_limits() =>
        Build.Builder().AddOperator<Delays>(from: "flights", configure: o =>
        {
            o.OnFailure = (FailurePolicy)9;
            o.MaxAttempts = 0;
            o.RetryDelay = TimeSpan.FromSeconds(-1);
            o.MaxRetryDelay = TimeSpan.FromSeconds(-2);
            o.TurnTimeout = TimeSpan.Zero;
            o.IdleAfter = TimeSpan.Zero;
            o.Hosting = (OperatorHosting)7;
            o.MaxResident = -1;
        }).ShouldFail(
            "Operator 'Delays': OnFailure is 9: choose a named policy.",
            "Operator 'Delays': MaxAttempts is 0: allow at least 1.",
            "Operator 'Delays': RetryDelay is -00:00:01: it cannot be negative.",
            "Operator 'Delays': MaxRetryDelay is -00:00:02: make it at least RetryDelay, -00:00:01.",
            "Operator 'Delays': TurnTimeout is 00:00:00: it must be positive.",
            "Operator 'Delays': IdleAfter is 00:00:00: it must be positive.",
            "Operator 'Delays': Hosting is 7: choose a named hosting.",
            "Operator 'Delays': MaxResident is -1: it cannot be negative; 0 is no limit.");

    [Fact]
    public void Sinks_and_sources_fit_their_stream() =>
        Build.Builder()
            .AddStream<Flight>("mixed", keyedBy: f => f.Origin, s => s.Also<Report>(r => r.Airport))
            .AddSink<ConsoleSink<Report>>("flights")
            .AddSink<Report>("flights", _ => null!)
            .AddSink<ConsoleSink<Report>>("mixed")
            .AddSink<Delays>("flights")
            .AddSink<AbstractSink>("flights")
            .AddSource<FileSource<Report>>("flights")
            .AddSource<Report>("flights", _ => null!)
            .AddSource<Delays>("flights")
            .AddSource<TwoSources>("mixed")
            .AddSource<Report>("mixed", _ => null!)
            .ShouldFail(
                "Sink 'flights.ConsoleSink' takes Report, but stream 'flights' carries Flight: make the types agree.",
                "Sink 'flights.sink' takes Report, but stream 'flights' carries Flight: make the types agree.",
                "Sink 'mixed.ConsoleSink' reads stream 'mixed', which carries Flight and Report: a sink reads a stream of one type; add a stream for each.",
                "Sink 'flights.Delays': Delays does not implement ISink<TEvent>: implement it.",
                "Sink 'flights.AbstractSink': AbstractSink is abstract: name a class that can be made.",
                "Source 'flights.FileSource' gives Report, but stream 'flights' carries Flight: make the types agree.",
                "Source 'flights.source' gives Report, but stream 'flights' carries Flight: make the types agree.",
                "Source 'flights.Delays': Delays does not implement ISource<TEvent>: implement it.",
                "Source 'mixed.TwoSources' gives Flight and Report, but stream 'mixed' carries Flight and Report: one source gives one of its types; split it.");

    [Fact]
    public void A_cycle_is_printed() =>
        new StreamingBuilder()
            .AddStream<Flight>("a", keyedBy: f => f.Origin)
            .AddStream<Flight>("b", keyedBy: f => f.Origin)
            .AddStream<Flight>("c", keyedBy: f => f.Origin)
            .AddOperator<Delays>(from: "a", to: ["b", "c"], name: "op")
            .AddOperator<Delays>(from: ["b", "c"], to: "a", name: "op2")
            .ShouldFail(
                "Streams form a cycle: a -> op -> b -> op2 -> a. If it is meant, declare one of its streams with Feedback(); else remove an edge.",
                "Streams form a cycle: a -> op -> c -> op2 -> a. If it is meant, declare one of its streams with Feedback(); else remove an edge.");

    [Fact]
    public void Dead_letters_can_form_a_cycle() =>
        new StreamingBuilder()
            .AddStream<Flight>("a", keyedBy: f => f.Origin)
            .AddOperator<Delays>(from: "a", name: "op")
            .AddOperator<Retry>(from: "op.deadletters", to: "a", name: "retry")
            .ShouldFail("Streams form a cycle: a -> op -> op.deadletters -> retry -> a. If it is meant, declare one of its streams with Feedback(); else remove an edge.");

    [Fact]
    public void One_exception_tells_everything()
    {
        TopologyException e = Should.Throw<TopologyException>(Build.Builder().DefaultPartitions(0).AddOperator<Delays>(from: "x").Build);
        e.Message.ShouldStartWith("The topology has 2 mistakes:");
        e.Message.ShouldContain("- DefaultPartitions is 0");
        Should.Throw<TopologyException>(Build.Builder().DefaultPartitions(0).Build).Message.ShouldBe("The topology has a mistake: DefaultPartitions is 0: choose 1 to 1024.");
    }

    public abstract class AbstractOne : OperatorGrain<Stats>;

    public class Open<T> : OperatorGrain<Stats>;

    public sealed class Private : Delays
    {
        private Private()
        {
        }
    }

    public sealed class IntKeys : OperatorGrain<int, Stats>, IConsume<Flight>
    {
        public ValueTask OnEvent(Flight flight, EventContext context) => default;
    }

    public sealed class Retry : OperatorGrain<Stats>, IConsume<DeadLetter>
    {
        public ValueTask OnEvent(DeadLetter letter, EventContext context) => default;
    }

    public abstract class AbstractSink : ISink<Flight>
    {
        public abstract ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken);

        public abstract ValueTask WriteAsync(SinkBatch<Flight> batch, CancellationToken cancellationToken);
    }

    public sealed class TwoSources : ISource<Flight>, ISource<Report>
    {
        IAsyncEnumerable<SourceEvent<Flight>> ISource<Flight>.ReadAsync(long after, CancellationToken cancellationToken) => throw new NotSupportedException();

        IAsyncEnumerable<SourceEvent<Report>> ISource<Report>.ReadAsync(long after, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
