using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>What all variants of the input have.</summary>
internal interface IInput
{
    long Key { get; }

    /// <summary>From 0, growing from event to event.</summary>
    long Number { get; }

    long Amount { get; }
}

/// <summary>100 bytes in memory and in the journal.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct Input : IInput
{
    public long Key;
    public long Number;
    public long Amount;
    public Ballast Rest;

    readonly long IInput.Key => Key;

    readonly long IInput.Number => Number;

    readonly long IInput.Amount => Amount;

    [InlineArray(19)]
    internal struct Ballast
    {
        private int _first;
    }
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
