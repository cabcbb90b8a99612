using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Frames whose bytes follow from their LSN.</summary>
internal static class TestFrames
{
    public static FrameToWrite Frame(long lsn, int bodyBytes = 16)
    {
        byte[] body = new byte[bodyBytes];
        new Random((int)lsn).NextBytes(body);
        byte[] header = new byte[FrameHeader.Size];
        new FrameHeader(bodyBytes, 0, lsn, Crc32C.Compute(body)).Write(header);
        int half = bodyBytes / 2;
        return new FrameToWrite(lsn, [header, body.AsMemory(0, half), body.AsMemory(half)], header.Length + bodyBytes);
    }

    public static byte[] Bytes(FrameToWrite frame) => [.. frame.Pieces.SelectMany(piece => piece.ToArray())];

    /// <summary>Appends frames one by one.</summary>
    public static async Task AppendAsync(this IJournalWriter writer, long from, long to, int bodyBytes = 16)
    {
        for (long lsn = from; lsn <= to; lsn++)
        {
            await writer.AppendAsync([Frame(lsn, bodyBytes)], default);
        }
    }

    /// <summary>Appends frames at once.</summary>
    public static ValueTask AppendTogetherAsync(this IJournalWriter writer, long from, long to, int bodyBytes = 16) =>
        writer.AppendAsync([.. Range(from, to).Select(lsn => Frame(lsn, bodyBytes))], default);

    /// <summary>Reads all frames by calls of a size, and checks each.</summary>
    public static async Task<long[]> ReadAllAsync(this IStorage storage, string journal, long from = 1, int maxBytes = 1 << 20, int? bodyBytes = null)
    {
        var all = new List<long>();
        while (await storage.ReadFramesAsync(journal, from, long.MaxValue, maxBytes, default) is { Count: > 0 } frames)
        {
            foreach (StoredFrame frame in frames)
            {
                FrameHeader.TryRead(frame.Bytes.Span, out FrameHeader header, out _).ShouldBeTrue();
                byte[] expected = Bytes(Frame(frame.Lsn, bodyBytes ?? header.BodyLength));
                frame.Bytes.Span.SequenceEqual(expected).ShouldBeTrue();
                all.Add(frame.Lsn);
            }

            from = frames[^1].Lsn + 1;
        }

        return [.. all];
    }

    public static IEnumerable<long> Range(long from, long to)
    {
        for (long lsn = from; lsn <= to; lsn++)
        {
            yield return lsn;
        }
    }

    public static long[] Lsns(long from, long to) => [.. Range(from, to)];
}
