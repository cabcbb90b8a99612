using System.Globalization;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Who dies at a step, and when. As the letter that a plan writes.</summary>
internal enum CrashKind
{
    /// <summary>The silo that takes the step, before it takes effect.</summary>
    Before = 'b',

    /// <summary>The silo that takes the step, after it took effect and before it hears of that.</summary>
    After = 'a',

    /// <summary>Another silo; the step takes effect.</summary>
    Other = 'o',

    /// <summary>The silo that takes the step, an append, of which only the first few bytes reach storage.</summary>
    TornAtStart = 's',

    /// <summary>Likewise, and half of the bytes do.</summary>
    TornInMiddle = 'm',

    /// <summary>Likewise, and all but the last few do.</summary>
    TornAtEnd = 'e',
}

/// <summary>A crash at a step of a schedule.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Kind">Who dies, and when.</param>
internal readonly record struct CrashPoint(int Step, CrashKind Kind)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Step}{(char)Kind}");
}

/// <summary>Where a schedule crashes.</summary>
/// <param name="Points">Ascending; none for the plain schedule.</param>
/// <param name="Late">
/// Whether what else a silo had asked for when it died still takes effect, in its turn, and its messages arrive, late; else
/// the first is lost, and the second are on time.
/// </param>
internal sealed record CrashPlan(IReadOnlyList<CrashPoint> Points, bool Late)
{
    public static CrashPlan None { get; } = new([], false);

    /// <summary>Reads what <see cref="ToString"/> writes, such as <c>17b+40a+late</c>; null when it is something else.</summary>
    public static CrashPlan? TryParse(string text)
    {
        var points = new List<CrashPoint>();
        bool late = false;
        foreach (string part in text.Split('+'))
        {
            if (part == "late")
            {
                late = true;
            }
            else if (part.Length > 1 && Enum.IsDefined((CrashKind)part[^1]) && int.TryParse(part[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int step))
            {
                points.Add(new CrashPoint(step, (CrashKind)part[^1]));
            }
            else if (part != "none")
            {
                return null;
            }
        }

        return new CrashPlan(points, late);
    }

    public override string ToString() =>
        (Points.Count == 0 ? "none" : string.Join('+', Points)) + (Late ? "+late" : "");
}
