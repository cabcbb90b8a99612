using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Benchmarks;

/// <summary>What all forms of the input have.</summary>
/// <typeparam name="TSelf">The form.</typeparam>
internal interface IInput<TSelf>
{
    /// <summary>The key as a number.</summary>
    long Key { get; }

    /// <summary>From 0, growing from event to event.</summary>
    long Number { get; }

    long Amount { get; }

    /// <summary>The event for the next operator: under another key.</summary>
    TSelf Rekeyed();
}

/// <summary>100 bytes in memory and in the journal.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct Input : IInput<Input>
{
    public long Key;
    public long Next;
    public long Number;
    public long Amount;
    public Ballast Rest;

    readonly long IInput<Input>.Key => Key;

    readonly long IInput<Input>.Number => Number;

    readonly long IInput<Input>.Amount => Amount;

    public readonly Input Rekeyed() => this with { Key = Next, Next = Key };

    [InlineArray(17)]
    internal struct Ballast
    {
        private int _first;
    }
}

/// <summary>About 100 bytes as JSON.</summary>
internal sealed record JsonInput(long Key, long Next, long Number, long Amount, string Text) : IInput<JsonInput>
{
    public JsonInput Rekeyed() => new(Next, Key, Number, Amount, Text);
}

/// <summary>A count and a sum.</summary>
internal struct Tally
{
    public long Count;
    public long Sum;
}

/// <summary>What leaves through the sink.</summary>
internal struct Output
{
    public long Key;
    public long Number;
    public long Count;
    public long Sum;
}

[JsonSerializable(typeof(JsonInput))]
internal sealed partial class InputJson : JsonSerializerContext;
