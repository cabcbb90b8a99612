using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Abstractions.Tests.Serialization;

public partial class JsonEventSerializerTests
{
    private static readonly JsonSerializerOptions Json = StreamingJson.Default;

    [Fact]
    public void Writes_camel_case_and_fields_and_reads_any_case()
    {
        JsonEventSerializer<Order> serializer = new(Json);
        Write(serializer, new Order { OrderId = "a", Amount = 2 }).ShouldBe("""{"orderId":"a","amount":2}""");
        Order read = Read(serializer, """{"ORDERID":"b","Amount":3,"unknown":1}""");
        read.OrderId.ShouldBe("b");
        read.Amount.ShouldBe(3);
        serializer.Schema.ShouldBe("json");
        serializer.CanRead("json").ShouldBeTrue();
        serializer.CanRead("blittable:Int32;4").ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"amount":"3"}""")]
    [InlineData("""{"amount":3,}""")]
    [InlineData("""{/* */"amount":3}""")]
    [InlineData("""{"amount":3} x""")]
    [InlineData("""{"amount":""")]
    [InlineData("null")]
    [InlineData("")]
    public void Bytes_that_are_no_value_are_refused(string json) =>
        Should.Throw<FormatException>(() => Read(new JsonEventSerializer<Order>(Json), json)).Message.ShouldContain("Order");

    [Fact]
    public void Nesting_is_limited()
    {
        JsonEventSerializer<object[]> serializer = new(Json);
        string deep = string.Concat(Enumerable.Repeat("[", 65)) + string.Concat(Enumerable.Repeat("]", 65));
        Should.Throw<FormatException>(() => Read(serializer, deep));
    }

    [Fact]
    public void Null_is_not_written() =>
        Should.Throw<ArgumentNullException>(() => Write(new JsonEventSerializer<Order>(Json), null!));

    [Fact]
    public void A_failed_write_does_not_spoil_the_next_one()
    {
        JsonEventSerializer<Measured> serializer = new(Json);
        Should.Throw<ArgumentException>(() => Write(serializer, new Measured { Value = double.NaN }));
        Write(serializer, new Measured { Value = 1 }).ShouldBe("""{"name":"","value":1}""");
    }

    [Fact]
    public void A_converter_may_write_another_event_meanwhile()
    {
        JsonSerializerOptions options = new(Json) { Converters = { new Nesting() } };
        JsonEventSerializer<Outer> serializer = new(options);
        Write(serializer, new Outer()).ShouldBe("\"{\\u0022orderId\\u0022:\\u0022x\\u0022,\\u0022amount\\u0022:0}\"");
    }

    [Fact]
    public void Writing_allocates_nothing()
    {
        JsonEventSerializer<Order> serializer = new(Json);
        ArrayBufferWriter<byte> output = new(100_000);
        Order order = new() { OrderId = "abc", Amount = 5 };
        serializer.Write(in order, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            serializer.Write(in order, output);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000);
    }

    [Fact]
    public void Contexts_come_before_reflection()
    {
        StreamingJson.Create([Generated.Default]).GetTypeInfo(typeof(Order)).OriginatingResolver.ShouldBe(Generated.Default);
        JsonSerializerOptions options = StreamingJson.Create([Generated.Default]);
        options.GetTypeInfo(typeof(Measured)).OriginatingResolver.ShouldNotBe(Generated.Default);
        Write(new JsonEventSerializer<Order>(options), new Order { OrderId = "a", Amount = 2 }).ShouldBe("""{"orderId":"a","amount":2}""");
    }

    [Fact]
    public void The_registry_chooses_by_type()
    {
        SerializerRegistry registry = new(Json);
        registry.Get<long>().ShouldBeOfType<BlittableSerializer<long>>();
        registry.Get<Order>().ShouldBeOfType<JsonEventSerializer<Order>>();
        registry.Get<(int, string)>().ShouldBeOfType<JsonEventSerializer<(int, string)>>();
        registry.Get<Order>().ShouldBeSameAs(registry.Get<Order>());
        registry.Describe(typeof(long)).Schema.ShouldBe("blittable:Int64;8");
        registry.Describe(typeof(Order)).IsJson.ShouldBeTrue();
        Should.Throw<NotSupportedException>(() => registry.Describe(typeof(nint)));
    }

    private static string Write<T>(JsonEventSerializer<T> serializer, T value)
    {
        ArrayBufferWriter<byte> output = new();
        serializer.Write(in value, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static T Read<T>(JsonEventSerializer<T> serializer, string json) => serializer.Read(Encoding.UTF8.GetBytes(json));

    internal sealed class Order
    {
        public string OrderId { get; set; } = "";

        public int Amount;
    }

    internal sealed class Measured
    {
        public string Name { get; set; } = "";

        public double Value { get; set; }
    }

    private sealed class Outer;

    private sealed class Nesting : JsonConverter<Outer>
    {
        public override Outer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Outer value, JsonSerializerOptions options) =>
            writer.WriteStringValue(JsonEventSerializerTests.Write(new JsonEventSerializer<Order>(Json), new Order { OrderId = "x" }));
    }

    [JsonSourceGenerationOptions(IncludeFields = true)]
    [JsonSerializable(typeof(Order))]
    internal sealed partial class Generated : JsonSerializerContext;
}
