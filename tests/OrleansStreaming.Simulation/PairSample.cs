using System.Collections;
using OrleansStreaming.Testing.Simulation;

/// <summary>
/// The pairs of crashes of a schedule, in an order in which any first part of them is spread over all: for each run with one crash,
/// a second one at every later step, recovery included.
/// </summary>
/// <param name="everything">In every way; else only after what takes effect.</param>
/// <param name="start">Where the order begins.</param>
internal sealed class PairSample(bool everything, ulong start) : IEnumerable<CrashPlan>
{
    /// <summary>Next to the golden ratio of 2^64: multiples of it, taken as fractions, are spread evenly.</summary>
    private const ulong Stride = 0x9E3779B97F4A7C15;
    private readonly List<(ExhaustionRun First, int Step)> _steps = [];
    private readonly List<long> _before = [];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Takes the runs with one crash.</summary>
    public void Of(IEnumerable<ExhaustionRun> singles)
    {
        foreach (ExhaustionRun first in singles)
        {
            for (int step = first.Plan.Points[0].Step + 1; step <= first.Steps; step++)
            {
                _steps.Add((first, step));
                _before.Add(Count);
                Count += Kinds(first, step).Count();
            }
        }
    }

    public IEnumerator<CrashPlan> GetEnumerator()
    {
        ulong count = (ulong)Count, stride = count < 3 ? 1 : (ulong)Math.BigMul(Stride, count, out _) | 1;
        while (Divisor(stride, count) > 1)
        {
            stride += 2; // Every pair comes up once.
        }

        for (ulong i = 0; i < count; i++)
        {
            yield return At((long)((UInt128)stride * (i + start) % count));
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private CrashPlan At(long number)
    {
        int at = _before.BinarySearch(number);
        at = at < 0 ? ~at - 1 : at;
        (ExhaustionRun first, int step) = _steps[at];
        CrashKind kind = Kinds(first, step).ElementAt((int)(number - _before[at]));
        return first.Plan with { Points = [.. first.Plan.Points, new CrashPoint(step, kind)] };
    }

    private IEnumerable<CrashKind> Kinds(ExhaustionRun first, int step) => everything ? Exhaust.Kinds(first, step) : [CrashKind.After];

    private static ulong Divisor(ulong a, ulong b)
    {
        while (b > 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}
