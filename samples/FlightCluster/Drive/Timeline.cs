using System.Diagnostics;
using System.Globalization;

namespace FlightCluster.Drive;

/// <summary>Says what happens, and when.</summary>
internal sealed class Timeline
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Prints a line; may be called from any thread.</summary>
    public void Say(string what) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start).TotalSeconds,6:0.0} s  {what}"));
}
