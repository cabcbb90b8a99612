using System.Globalization;

namespace OrleansStreaming.Benchmarks;

/// <summary>What a figure should be.</summary>
/// <param name="Good">The limit for "good".</param>
/// <param name="Excellent">The limit for "excellent", or null when there is none.</param>
/// <param name="AtMost">True when less is better.</param>
internal sealed record Aim(double Good, double? Excellent, bool AtMost)
{
    public static Aim Least(double good, double? excellent = null) => new(good, excellent, AtMost: false);

    public static Aim Most(double good, double? excellent = null) => new(good, excellent, AtMost: true);

    /// <summary><c>excellent</c>, <c>good</c> or <c>missed</c>.</summary>
    public string Judge(double value) => Excellent is { } limit && Meets(value, limit) ? "excellent" : Meets(value, Good) ? "good" : "missed";

    public override string ToString()
    {
        string sign = AtMost ? "<=" : ">=";
        return string.Create(CultureInfo.InvariantCulture, $"{sign} {Good}{(Excellent is { } limit ? $", excellent {sign} {limit}" : "")}");
    }

    private bool Meets(double value, double limit) => AtMost ? value <= limit : value >= limit;
}
