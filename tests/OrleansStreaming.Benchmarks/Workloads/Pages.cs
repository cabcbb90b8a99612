using System.Buffers;

namespace OrleansStreaming.Benchmarks;

/// <summary>Changes a few bytes of a large state.</summary>
internal struct Edit
{
    public long Key;
    public long Number;

    /// <summary>How large the state is.</summary>
    public int Size;
    public int At;
    public int Length;

    /// <summary>A place that follows from the number; so many events after each other have the same.</summary>
    public static Edit Make(long number, int pages, int size, int perPlace)
    {
        int length = Math.Max(1, size / 1000);
        ulong place = (ulong)(number / perPlace) * 0x9E3779B97F4A7C15;
        return new Edit { Key = number % pages, Number = number, Size = size, Length = length, At = (int)(place % (ulong)(size - length)) };
    }

    /// <summary>Changes every byte of its place. Edits add up, since those of different requests come in any order.</summary>
    public readonly void ApplyTo(Span<byte> bytes)
    {
        byte odd = (byte)((Number << 1) | 1);
        foreach (ref byte b in bytes.Slice(At, Length))
        {
            b += odd;
        }
    }
}

/// <summary>A large state.</summary>
internal sealed class Page
{
    public byte[] Bytes { get; set; } = [];
}

/// <summary>Stores a page as its bytes.</summary>
internal sealed class PageSerializer : IEventSerializer<Page>
{
    public string Schema => "page";

    public bool CanRead(string storedSchema) => storedSchema == Schema;

    public void Write(in Page value, IBufferWriter<byte> output) => output.Write(value.Bytes);

    public Page Read(ReadOnlySpan<byte> bytes) => new() { Bytes = bytes.ToArray() };
}

/// <summary>Applies edits.</summary>
internal sealed class PageEditor : OperatorGrain<long, Page>, IConsume<Edit>
{
    public ValueTask OnEvent(Edit edit, EventContext context)
    {
        if (State.Bytes.Length == 0)
        {
            State.Bytes = new byte[edit.Size];
        }

        edit.ApplyTo(State.Bytes);
        return default;
    }
}
