using System.Buffers;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Docs.Tests.Examples.Serializers;

#region point
public sealed class Point(string robot, int x, int y)
{
    public string Robot { get; } = robot;

    public int X { get; } = x;

    public int Y { get; } = y;
}

public sealed class PointSerializer : IEventSerializer<Point>
{
    public string Schema => "point-2";

    public bool CanRead(string storedSchema) => storedSchema is "point-1" or "point-2";

    public void Write(in Point value, IBufferWriter<byte> output) =>
        output.Write(System.Text.Encoding.UTF8.GetBytes($"{value.X};{value.Y};{value.Robot}"));

    public Point Read(ReadOnlySpan<byte> bytes)
    {
        string[] parts = System.Text.Encoding.UTF8.GetString(bytes).Split(';', 3);
        return parts.Length == 3 ? new Point(parts[2], int.Parse(parts[0]), int.Parse(parts[1])) : throw new FormatException("not a point");
    }
}
#endregion

#region context
public sealed record Alarm(string Robot, int Distance);

[JsonSerializable(typeof(Alarm))]
internal sealed partial class RobotJson : JsonSerializerContext;
#endregion

public struct Travelled
{
    public int Distance;
}

public sealed class Robots : OperatorGrain<Travelled>, IConsume<Point>
{
    public ValueTask OnEvent(Point point, EventContext context)
    {
        State.Distance += Math.Abs(point.X) + Math.Abs(point.Y);
        if (State.Distance > 10)
        {
            context.Emit("alarms", new Alarm(Key, State.Distance));
        }

        return default;
    }
}

internal static class Topology
{
    public static StreamingBuilder AddRobots(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .UseSerializer(new PointSerializer())
            .UseJson(RobotJson.Default)
            .AddStream<Point>("points", keyedBy: p => p.Robot)
            .AddStream<Alarm>("alarms", keyedBy: a => a.Robot)
            .AddOperator<Robots>(from: "points", to: "alarms");
        #endregion
}
