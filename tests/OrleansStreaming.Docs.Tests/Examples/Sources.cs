using System.Runtime.CompilerServices;

namespace OrleansStreaming.Docs.Tests.Examples.Sources;

public sealed record Line(string Word, int Number);

#region source
public sealed class Numbers(int count) : ISource<Line>
{
    public async IAsyncEnumerable<SourceEvent<Line>> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long position = after + 1; position < count; position++)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            yield return new SourceEvent<Line>(position, new Line($"word{position % 7}", (int)position));
        }
    }
}
#endregion

public struct Words
{
    public long Count;
    public long Sum;
}

public sealed class WordCount : OperatorGrain<Words>, IConsume<Line>
{
    public ValueTask OnEvent(Line line, EventContext context)
    {
        State.Count++;
        State.Sum += line.Number;
        return default;
    }
}

internal static class Topology
{
    public static StreamingBuilder AddNumbers(this StreamingBuilder streaming, string file) =>
        #region topology
        streaming
            .AddStream<Line>("lines", keyedBy: l => l.Word)
            .AddSource<Line>(to: "lines", _ => new Numbers(500), name: "numbers")
            .AddSource<Line>(to: "lines", _ => new FileSource<Line>(file), name: "file")
            .AddOperator<WordCount>(from: "lines");
        #endregion
}
