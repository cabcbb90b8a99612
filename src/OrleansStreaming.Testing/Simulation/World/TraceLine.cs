using System.Globalization;
using System.Runtime.CompilerServices;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A line of the trace. Nothing of it is formatted unless somebody reads the trace.</summary>
[InterpolatedStringHandler]
internal ref struct TraceLine
{
    private DefaultInterpolatedStringHandler _text;

    public TraceLine(int literalLength, int formattedCount, SimulatedWorld world, out bool enabled)
    {
        enabled = world.Tracing;
        if (enabled)
        {
            _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    public string ToStringAndClear() => _text.ToStringAndClear();
}
