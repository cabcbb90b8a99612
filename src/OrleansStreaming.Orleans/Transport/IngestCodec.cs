using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>The bytes of events on their way to the silo that serves their partitions, and of the answers.</summary>
internal static class IngestCodec
{
    /// <summary>What a batch takes beside its events and its producer's name, or less.</summary>
    private const int BytesPerBatch = 64;

    public static WireBytes Write(IReadOnlyList<IngestBatch> batches)
    {
        int expected = BytesPerBatch;
        foreach (IngestBatch batch in batches)
        {
            expected += batch.Rows.Length + batch.Producer.Length + BytesPerBatch;
        }

        var to = new WireWriter(expected);
        to.Number(batches.Count);
        foreach (IngestBatch batch in batches)
        {
            to.Number(batch.Partition);
            to.Bytes(batch.Rows.Span);
            to.Number(batch.Count);
            to.Bytes(batch.Producer);
            to.Number(batch.Sequence);
            to.Flag(batch.Previous is not null);
            to.Number(batch.Previous ?? 0);
            to.Number(batch.Last);
        }

        return to.Take();
    }

    /// <summary>Reads batches, whose events stay where they are, and whose answers go to <paramref name="done"/> with their place.</summary>
    public static List<IngestBatch> Read(ReadOnlyMemory<byte> bytes, Action<int, IngestResult> done)
    {
        var from = new WireReader(bytes.Span);
        int count = from.Count();
        var batches = new List<IngestBatch>(count);
        for (int i = 0; i < count; i++)
        {
            int place = i, partition = from.Int();
            int length = from.Bytes().Length;
            ReadOnlyMemory<byte> rows = bytes.Slice(from.At - length, length);
            int events = from.Int();
            byte[] producer = from.Bytes().ToArray();
            long sequence = from.Number();
            bool isSource = from.Flag();
            long previous = from.Number();
            batches.Add(new IngestBatch
            {
                Partition = partition,
                Rows = rows,
                Count = events,
                Producer = producer,
                Sequence = sequence,
                Previous = isSource ? previous : null,
                Last = from.Number(),
                Done = result => done(place, result),
            });
        }

        return batches;
    }

    public static byte[] Write(IngestResult[] results)
    {
        var to = new WireWriter();
        to.Number(results.Length);
        foreach (IngestResult result in results)
        {
            to.Byte((byte)result.Status);
            to.Number(result.Appended);
            to.Number(result.Position);
            to.Number(result.Journal);
            to.Number(result.Lsn);
        }

        return to.ToArray();
    }

    public static IngestResult[] Read(ReadOnlySpan<byte> bytes)
    {
        var from = new WireReader(bytes);
        var results = new IngestResult[from.Count()];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new IngestResult((IngestStatus)from.Byte(), from.Int(), from.Number(), from.Int(), from.Number());
        }

        return results;
    }
}
