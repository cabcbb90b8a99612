using System.Diagnostics;
using System.Runtime.CompilerServices;
using Flights;
using OrleansStreaming;

namespace FlightBoard;

/// <summary>The file of flights at the speed that was asked for. A source only has to say where each event lies.</summary>
internal sealed class FlightSource(FlightFile file, Options options, KillSwitch kills) : ISource<Flight>
{
    private readonly FileSource<Flight> _source = new(file.Path);

    /// <summary>How much of the file has been read, over all runs on the same data.</summary>
    public long Read { get; private set; }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEvent<Flight>> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        double? rate = options.RateFor(file.Flights);
        long first = after + 1;
        long start = Stopwatch.GetTimestamp();
        kills.Plan(first, file.Flights);
        Read = first;
        await foreach (SourceEvent<Flight> flight in _source.ReadAsync(after, cancellationToken))
        {
            await kills.PassAsync(flight.Position, cancellationToken);
            TimeSpan due = rate is { } r ? TimeSpan.FromSeconds((flight.Position - first) / r) : TimeSpan.Zero;
            if (due - Stopwatch.GetElapsedTime(start) is var early && early >= TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(early, cancellationToken);
            }

            Read = flight.Position + 1;
            yield return flight;
        }

        await kills.WhenBackAsync(cancellationToken);
    }
}

/// <summary>The file of flights.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Flights">How many it has.</param>
internal sealed record FlightFile(string Path, long Flights);
