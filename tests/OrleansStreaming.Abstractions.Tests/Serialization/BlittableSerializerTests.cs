using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Abstractions.Tests.Serialization;

#pragma warning disable CS0649 // only the layout of these fields matters

public class BlittableSerializerTests
{
    private struct Plain
    {
        public int Count;
        public double Sum;
    }

    private struct Reordered
    {
        public double Sum;
        public int Count;
    }

    private struct WithProperties
    {
        public int Count { get; set; }

        public double Sum { get; set; }
    }

    private struct Nested
    {
        public byte First;
        public Plain Plain;
        public DayOfWeek Day;
        public decimal Money;
        public Guid Id;
    }

    [InlineArray(3)]
    private struct Three
    {
        public int Item;
    }

    private struct Arrays
    {
        public short Before;
        public Three Three;
    }

    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct Union
    {
        [FieldOffset(0)]
        public int A;
        [FieldOffset(0)]
        public long B;
        [FieldOffset(9)]
        public byte C;
    }

    private struct WithNint
    {
        public Inner Deep;

        public struct Inner
        {
            public nint Handle;
        }
    }

    [Theory]
    [InlineData(typeof(Plain), "blittable:{Count=Int32@0,Sum=Double@8};16")]
    [InlineData(typeof(Reordered), "blittable:{Sum=Double@0,Count=Int32@8};16")]
    [InlineData(typeof(WithProperties), "blittable:{Count=Int32@0,Sum=Double@8};16")]
    [InlineData(typeof(Nested), "blittable:{First=Byte@0,Plain={Count=Int32@0,Sum=Double@8}@8,Day=Int32@24,Money=Decimal@32,Id=Guid@48};64")]
    [InlineData(typeof(Arrays), "blittable:{Before=Int16@0,Three={Item=Int32*3@0}@4};16")]
    [InlineData(typeof(Union), "blittable:{A=Int32@0,B=Int64@0,C=Byte@9};16")]
    [InlineData(typeof(long), "blittable:Int64;8")]
    [InlineData(typeof(DayOfWeek), "blittable:Int32;4")]
    [InlineData(typeof((byte, long)), "blittable:{Item2=Int64@0,Item1=Byte@8};16")] // the runtime orders the fields of tuples
    public void The_schema_is_the_layout(Type type, string expected) => BlittableLayout.Of(type).Schema.ShouldBe(expected);

    [Theory]
    [InlineData(typeof(WithNint), "WithNint.Deep.Handle")]
    [InlineData(typeof(GCHandle), "GCHandle._handle")]
    [InlineData(typeof(nint), "IntPtr")]
    public void Pointers_are_refused_by_name(Type type, string path) =>
        Should.Throw<NotSupportedException>(() => BlittableLayout.Of(type)).Message.ShouldStartWith(path + " is a pointer");

    [Fact]
    public void References_are_refused() => Should.Throw<NotSupportedException>(() => new BlittableSerializer<string>());

    [Fact]
    public void Values_come_back()
    {
        BlittableSerializer<Nested> serializer = new();
        Nested value = new() { First = 1, Plain = { Count = 2, Sum = 3.5 }, Day = DayOfWeek.Friday, Money = 4.5m, Id = Guid.NewGuid() };
        ArrayBufferWriter<byte> output = new();
        serializer.Write(in value, output);
        output.WrittenCount.ShouldBe(64);
        serializer.Read(output.WrittenSpan).ShouldBe(value);
    }

    [Fact]
    public void Equal_values_give_equal_bytes_whatever_lies_between_the_fields()
    {
        BlittableSerializer<Plain> serializer = new();
        byte[] clean = Bytes(serializer, 0x00);
        byte[] dirty = Bytes(serializer, 0xFF);
        dirty.ShouldBe(clean);
        BlittableLayout.Of(typeof(Plain)).Padding.ShouldBe([(4, 4)]);
        BlittableLayout.Of(typeof(Arrays)).Padding.ShouldBe([(2, 2)]);
        BlittableLayout.Of(typeof(Union)).Padding.ShouldBe([(8, 1), (10, 6)]);

        static byte[] Bytes(BlittableSerializer<Plain> serializer, byte between)
        {
            Plain value = default;
            MemoryMarshal.AsBytes(new Span<Plain>(ref value)).Fill(between);
            value.Count = 7;
            value.Sum = 8;
            ArrayBufferWriter<byte> output = new();
            serializer.Write(in value, output);
            return output.WrittenSpan.ToArray();
        }
    }

    [Fact]
    public void Another_length_or_layout_is_refused()
    {
        BlittableSerializer<Plain> serializer = new();
        Should.Throw<FormatException>(() => serializer.Read(new byte[15]));
        Should.Throw<FormatException>(() => serializer.Read(new byte[17]));
        serializer.CanRead(serializer.Schema).ShouldBeTrue();
        serializer.CanRead(new BlittableSerializer<Reordered>().Schema).ShouldBeFalse();
        serializer.CanRead("json").ShouldBeFalse();
    }

    [Fact]
    public void Writing_and_reading_allocate_nothing()
    {
        BlittableSerializer<Nested> serializer = new();
        ArrayBufferWriter<byte> output = new(64 * 1001);
        Nested value = default;
        serializer.Write(in value, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            serializer.Write(in value, output);
            serializer.Read(output.WrittenSpan[..64]);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
