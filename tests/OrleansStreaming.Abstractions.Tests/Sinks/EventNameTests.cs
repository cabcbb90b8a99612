using System.Text;
using System.Text.Json;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests.Sinks;

public class EventNameTests
{
    private static readonly Guid Id = Guid.Parse("01234567-89ab-cdef-0123-456789abcdef");

    public static TheoryData<string, EventName> Names => new()
    {
        { "count/42/3.120#7", Grain(KeyKind.Int64, BitConverter.GetBytes(42L)) },
        { "count/-9223372036854775808/3.120#7", Grain(KeyKind.Int64, BitConverter.GetBytes(long.MinValue)) },
        { "count/01234567-89ab-cdef-0123-456789abcdef/3.120#7", Grain(KeyKind.Guid, Id.ToByteArray()) },
        { "count/a/b é/3.120#7", Grain(KeyKind.String, "a/b é"u8.ToArray()) },
        { $"count/{new string('k', KeyCodec.MaxBytes)}/3.120#7", Grain(KeyKind.String, Encoding.UTF8.GetBytes(new string('k', KeyCodec.MaxBytes))) },
        { "count/k/-#7", EventName.OfGrain(Operator(KeyKind.String), "k"u8.ToArray(), Offset.None, 7) },
        { "till-1/99#3", EventName.OfProducer("till-1"u8.ToArray(), 99, 3) },
        { "@8388607.1099511627775", EventName.OfUnnamed(new Offset((1 << 23) - 1, (1L << 40) - 1)) },
        { "anything", "anything" },
        { "", default },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_name_is_its_text(string text, EventName name)
    {
        name.ToString().ShouldBe(text);
        $"{name}".ShouldBe(text);
        ((string)name).ShouldBe(text);
        name.ShouldBe(new EventName(text));
        (name == text).ShouldBeTrue();
        (name != text + "x").ShouldBeTrue();
        name.GetHashCode().ShouldBe(new EventName(text).GetHashCode());
        new Dictionary<string, int> { [name] = 1 }[text].ShouldBe(1);
        JsonSerializer.Deserialize<EventName>(JsonSerializer.Serialize(name)).ShouldBe(name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_written_where_there_is_room_and_only_there(string text, EventName name)
    {
        char[] room = new char[text.Length];
        name.TryFormat(room, out int written).ShouldBeTrue();
        room[..written].ShouldBe(text);
        if (text.Length > 0)
        {
            name.TryFormat(room.AsSpan(1), out written).ShouldBeFalse();
            written.ShouldBe(0);
        }
    }

    [Fact]
    public void Names_differ_when_any_part_does()
    {
        EventName[] names =
        [
            Grain(KeyKind.Int64, BitConverter.GetBytes(1L)), Grain(KeyKind.Int64, BitConverter.GetBytes(2L)), Grain(KeyKind.String, "1.."u8.ToArray()),
            EventName.OfGrain(Operator(KeyKind.Int64, "sum"), BitConverter.GetBytes(1L), new Offset(3, 120), 7),
            EventName.OfGrain(Operator(KeyKind.Int64), BitConverter.GetBytes(1L), new Offset(3, 121), 7),
            EventName.OfGrain(Operator(KeyKind.Int64), BitConverter.GetBytes(1L), new Offset(3, 120), 8),
            EventName.OfProducer("p"u8.ToArray(), 1, 1), EventName.OfProducer("q"u8.ToArray(), 1, 1), EventName.OfProducer("p"u8.ToArray(), 2, 1),
            EventName.OfProducer("p"u8.ToArray(), 1, 2), EventName.OfUnnamed(new Offset(1, 1)), EventName.OfUnnamed(new Offset(1, 2)),
        ];
        names.Distinct().Count().ShouldBe(names.Length);
        names.Select(n => n.ToString()).Distinct().Count().ShouldBe(names.Length);
        Grain(KeyKind.Int64, BitConverter.GetBytes(1L)).ShouldBe(names[0], "another definition of the same operator");
    }

    private static EventName Grain(KeyKind keys, byte[] key) => EventName.OfGrain(Operator(keys), key, new Offset(3, 120), 7);

    private static OperatorDefinition Operator(KeyKind keys, string name = "count") => new()
    {
        Name = name,
        GrainType = null,
        From = new StreamDefinition { Name = "from", KeyKind = keys, Types = [], PartitionCount = 1 },
        To = [],
        Options = new OperatorOptions(),
    };
}
