using System.Text.Json.Serialization;

namespace OrleansStreaming.Abstractions.Tests;

/// <summary>Types that would be stored and not come back.</summary>
public class TypeMistakeTests
{
    [Fact]
    public void Good_types_are_left_alone() =>
        new StreamingBuilder()
            .AddStream<Good>("a", keyedBy: g => g.Name)
            .AddStream<Animal>("b", keyedBy: _ => 1)
            .AddStream<(int, string)>("c", keyedBy: t => t.Item2)
            .AddStream<Dictionary<string, List<Good>>>("d", keyedBy: _ => 1)
            .AddStream<Marker>("e", keyedBy: _ => 1)
            .AddStream<object>("f", keyedBy: _ => 1)
            .AddStream<Populated>("g", keyedBy: _ => 1)
            .Build().Streams.Count.ShouldBe(7);

    [Fact]
    public void What_json_cannot_make() =>
        new StreamingBuilder()
            .AddStream<IShape>("a", keyedBy: _ => 1)
            .AddStream<Shape>("b", keyedBy: _ => 1)
            .AddStream<TwoConstructors>("c", keyedBy: _ => 1)
            .AddStream<Holder>("d", keyedBy: _ => 1)
            .ShouldFail(
                "Event type IShape of stream 'a': JSON cannot make a IShape: give it a public constructor without parameters, mark one with [JsonConstructor], or use UseSerializer.",
                "Event type Shape of stream 'b': JSON cannot make a Shape: give it a public constructor without parameters, mark one with [JsonConstructor], or use UseSerializer.",
                "Event type TwoConstructors of stream 'c': JSON cannot make a TwoConstructors: give it a public constructor without parameters, mark one with [JsonConstructor], or use UseSerializer.",
                "Event type Holder of stream 'd': JSON cannot make a IShape: give it a public constructor without parameters, mark one with [JsonConstructor], or use UseSerializer.");

    [Fact]
    public void What_json_does_not_read_back() =>
        new StreamingBuilder()
            .AddStream<Flight>("a", keyedBy: f => f.Origin)
            .AddOperator<Keeps<GetOnly>>(from: "a", name: "get")
            .AddOperator<Keeps<PrivateSet>>(from: "a", name: "set")
            .AddOperator<Keeps<GetOnlyList>>(from: "a", name: "list")
            .AddOperator<Keeps<Hidden>>(from: "a", name: "hidden")
            .ShouldFail(
                "State GetOnly of operator 'get': JSON writes GetOnly.Text and does not read it back: give it a public setter, mark it with [JsonInclude] or [JsonIgnore], or use UseSerializer.",
                "State PrivateSet of operator 'set': JSON writes PrivateSet.Text and does not read it back: give it a public setter, mark it with [JsonInclude] or [JsonIgnore], or use UseSerializer.",
                "State GetOnlyList of operator 'list': JSON writes GetOnlyList.Items and does not read it back: give it a public setter, mark it with [JsonInclude] or [JsonIgnore], or use UseSerializer.",
                "State Hidden of operator 'hidden': JSON sees nothing of Hidden: its members are not public. Make them public, mark them with [JsonInclude], or use UseSerializer.");

    [Fact]
    public void What_cannot_be_stored_at_all() =>
        new StreamingBuilder()
            .AddStream<Handle>("a", keyedBy: _ => 1)
            .AddStream<Handle>("again", keyedBy: _ => 1)
            .AddOperator<Keeps<Handle>>(from: "c")
            .AddStream<Flight>("c", keyedBy: f => f.Origin)
            .ShouldFail(
                "Event type Handle of stream 'a' cannot be serialised: Handle.Value is a pointer or of pointer size (IntPtr). Its value means nothing in another process: use an integer of a fixed size. Change the type, or give it a serialiser with UseSerializer.",
                "State Handle of operator 'Keeps' cannot be serialised: Handle.Value is a pointer or of pointer size (IntPtr). Its value means nothing in another process: use an integer of a fixed size. Change the type, or give it a serialiser with UseSerializer.");

    [Fact]
    public void What_json_refuses() =>
        Should.Throw<TopologyException>(new StreamingBuilder().AddStream<Clash>("a", keyedBy: _ => 1).Build)
            .Mistakes.ShouldHaveSingleItem().ShouldStartWith("Event type Clash of stream 'a' cannot be serialised: ");

    public sealed class Keeps<T> : OperatorGrain<T>, IConsume<Flight>
        where T : new()
    {
        public ValueTask OnEvent(Flight flight, EventContext context) => default;
    }

    public sealed record Good(string Name, IReadOnlyList<Good>? Children = null)
    {
        public string Upper => Name.ToUpperInvariant();

        [JsonInclude]
        public int Kept { get; private set; }

        [JsonIgnore]
        public string Ignored { get; } = "";

        public DateTimeOffset At { get; init; }

        public Uri? Link { get; set; }
    }

    public sealed class Populated
    {
        [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
        public List<string> Items { get; } = [];
    }

    public sealed record Marker;

    [JsonDerivedType(typeof(Dog), "dog")]
    public abstract class Animal;

    public sealed class Dog : Animal
    {
        public string Name { get; set; } = "";
    }

    public interface IShape;

    public abstract class Shape
    {
        public int Sides { get; set; }
    }

    public sealed class Holder
    {
        public List<IShape> Shapes { get; set; } = [];
    }

    public sealed class TwoConstructors
    {
        public TwoConstructors(int a) => A = a;

        public TwoConstructors(string b) => A = b.Length;

        public int A { get; set; }
    }

    public sealed class GetOnly
    {
        public string Text { get; } = "";
    }

    public sealed class PrivateSet
    {
        public string Text { get; private set; } = "";

        public void Change() => Text = "changed";
    }

    public sealed class GetOnlyList
    {
        public List<string> Items { get; } = [];
    }

    public sealed class Hidden
    {
        private string _text = "";

        public void Change() => _text += "changed";
    }

    public struct Handle
    {
        public nint Value;
    }

    public sealed class Clash
    {
        [JsonPropertyName("a")]
        public string A { get; set; } = "";

        [JsonPropertyName("a")]
        public string B { get; set; } = "";
    }
}
