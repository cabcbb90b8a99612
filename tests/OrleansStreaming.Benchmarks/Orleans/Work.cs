using Orleans;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>One event of about 100 bytes, as all contenders get it.</summary>
[GenerateSerializer]
[Immutable]
internal struct Work
{
    private static readonly Guid Filler = new("5f1c8a52-63f0-4b7e-9d0a-2f4b8c6e1d37");

    [Id(0)]
    public long Key;

    [Id(1)]
    public long Number;

    [Id(2)]
    public long Amount;

    /// <summary>When it was due, in ticks of the stopwatch; 0 where no time is measured.</summary>
    [Id(3)]
    public long Due;

    /// <summary>Makes it 100 bytes, with <see cref="Second"/>, <see cref="Third"/> and <see cref="Fourth"/>.</summary>
    [Id(4)]
    public Guid First;

    [Id(5)]
    public Guid Second;

    [Id(6)]
    public Guid Third;

    [Id(7)]
    public Guid Fourth;

    /// <summary>The number-th event.</summary>
    public static Work Of(long number, WorkKeys keys, long due = 0) =>
        new()
        {
            Key = keys.Of(number),
            Number = number,
            Amount = number * 7 % 1000,
            Due = due,
            First = Filler,
            Second = Filler,
            Third = Filler,
            Fourth = Filler,
        };
}

/// <summary>What the grains of a contender have done; all silos of a run are in this process.</summary>
internal static class Done
{
    private static readonly Lock Gate = new();
    private static readonly List<double> Delays = [];
    private static long _count;

    public static long Count => Interlocked.Read(ref _count);

    public static void Reset()
    {
        lock (Gate)
        {
            _count = 0;
            Delays.Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(in Work work)
    {
        Interlocked.Increment(ref _count);
        if (work.Due != 0)
        {
            Observe(work.Due);
        }
    }

    public static void Observe(long due)
    {
        double millis = Stopwatch.GetElapsedTime(due).TotalMilliseconds;
        lock (Gate)
        {
            Delays.Add(millis);
        }
    }

    /// <summary>Milliseconds from when an event was due until it was done, sorted.</summary>
    public static double[] Sorted()
    {
        lock (Gate)
        {
            return [.. Delays.Order()];
        }
    }
}
