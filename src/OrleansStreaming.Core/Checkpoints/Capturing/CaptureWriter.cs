using System.Runtime.CompilerServices;

namespace OrleansStreaming.Core;

/// <summary>Makes a run of the copies of a checkpoint, outside of the loop.</summary>
internal sealed class CaptureWriter(CaptureBuffer buffer, IReadOnlyList<int> operators, RunLimits limits, ISiloPorts? clock) : IDisposable
{
    /// <summary>How far ahead memory is fetched: the copies lie in the order in which grains changed, and are read in that of the run.</summary>
    private const int Ahead = 16;

    private readonly RunWriter _writer = new(limits.BlockBytes, limits.WindowBytes, buffer.BasePosition);

    public RunWriter Writer => _writer;

    /// <summary>What it has taken, without what storage took.</summary>
    public long Micros { get; private set; }

    /// <summary>The bytes of the run. Pieces are valid until the next is asked for.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WriteAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        int start = 0;
        for (int host = 0; host < operators.Count; host++)
        {
            long started = Now;
            int end = buffer.HostEnds[host], count = buffer.Sorter.Sort(buffer, buffer.Entries[start..end]).Length;
            Micros += Now - started;
            for (int i = 0; i < count;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                started = Now;
                i = AddSome(operators[host], count, i);
                Micros += Now - started;
                if (_writer.HasPiece)
                {
                    yield return _writer.TakePiece();
                }
            }

            start = end;
        }

        yield return _writer.Finish();
    }

    /// <summary>Gives the memory back; what was written must have been stored, or given up.</summary>
    public void Dispose() => _writer.Dispose();

    private long Now => clock?.TicksMicros ?? 0;

    private int AddSome(int operatorId, int count, int i)
    {
        ReadOnlySpan<CapturedEntry> order = buffer.Sorter.Sorted(count);
        for (; i < count && !_writer.HasPiece; i++)
        {
            if (i + Ahead < count)
            {
                buffer.Prefetch(order[i + Ahead]);
            }

            ReadOnlySpan<byte> bytes = buffer.Parse(order[i], out RunEntryLayout entry);
            _writer.Add(operatorId, order[i].Hash, in entry, bytes[..entry.End]);
        }

        return i;
    }
}
