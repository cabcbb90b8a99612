using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class RunTests(Azurite azurite) : BlobTest(azurite)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(16_385)]
    [InlineData(100_000)]
    public async Task Any_part_of_a_run_can_be_read(int size)
    {
        byte[] content = Bytes(size);
        await using AzureBlobStorage storage = await OpenAsync();
        await using AzureBlobStorage other = await OpenAsync();
        await storage.WriteRunAsync("flights-3/4-17", content, Cancel);
        foreach (long offset in new long[] { 0, 1, 16_383, 16_384, 16_385, 70_000, size - 1, size, size + 5, -1, -7, -20_000, -size, -size - 9 })
        {
            foreach (int length in new[] { 0, 1, 100, 16_384, 40_000, int.MaxValue })
            {
                long from = offset < 0 ? Math.Max(0, size + offset) : Math.Min(size, offset);
                byte[] expected = content[(int)from..(int)Math.Min(size, from + length)];
                ReadOnlyMemory<byte> part = await (length == 100 ? other : storage).ReadRunAsync("flights-3/4-17", offset, length, Cancel);
                part.Span.SequenceEqual(expected).ShouldBeTrue($"{offset} {length}");
            }
        }
    }

    [Theory]
    [InlineData(3, 1000)]
    [InlineData(1, 0)]
    [InlineData(40, 300_000)]
    [InlineData(3, 9_000_000)]
    [InlineData(7, 4 << 20)]
    public async Task Pieces_make_one_run(int pieces, int pieceBytes)
    {
        byte[] content = Bytes(pieces * pieceBytes);
        await using AzureBlobStorage storage = await OpenAsync();
        await storage.WriteRunAsync("r", Pieces(content, pieceBytes), Cancel);
        (await storage.ReadRunAsync("r", 0, int.MaxValue, Cancel)).Span.SequenceEqual(content).ShouldBeTrue();
        await using AzureBlobStorage other = await OpenAsync();
        (await other.ReadRunAsync("r", -5, int.MaxValue, Cancel)).ToArray().ShouldBe(content[^Math.Min(5, content.Length)..]);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(12 << 20)]
    public async Task A_run_that_is_given_up_is_not_visible(int size)
    {
        await using AzureBlobStorage storage = await OpenAsync();
        async IAsyncEnumerable<ReadOnlyMemory<byte>> Broken()
        {
            yield return Bytes(size);
            await Task.Yield();
            throw new InvalidOperationException("given up");
        }

        await Should.ThrowAsync<InvalidOperationException>(async () => await storage.WriteRunAsync("r", Broken(), Cancel));
        (await storage.ListRunsAsync("", Cancel)).ShouldBeEmpty();
        await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRunAsync("r", 0, 1, Cancel));
    }

    [Fact]
    public async Task Runs_are_overwritten_deleted_and_listed()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using AzureBlobStorage other = await OpenAsync();
        string longName = "flights-3/" + new string('n', 190);
        string otherLong = "flights-3/" + new string('n', 188) + "ü";
        string[] names = ["flights-3/4-17", "flights-3/4-18", "flights-30/1-1", "Flüge/1", "flüge/1", "a b.c=d~e%2F\\f/../g?#h", "日本/1", longName, otherLong];
        foreach (string name in names)
        {
            await storage.WriteRunAsync(name, new byte[1], Cancel);
        }

        await Should.ThrowAsync<ArgumentException>(async () => await storage.WriteRunAsync(new string('n', 201), new byte[1], Cancel));

        (await other.ListRunsAsync("flights-3/", Cancel)).ShouldBe(["flights-3/4-17", "flights-3/4-18", longName, otherLong], ignoreOrder: true);
        (await other.ListRunsAsync(longName[..150], Cancel)).ShouldBe([longName, otherLong], ignoreOrder: true);
        (await other.ListRunsAsync("Fl", Cancel)).ShouldBe(["Flüge/1"]);
        (await other.ListRunsAsync("日", Cancel)).ShouldBe(["日本/1"]);
        (await other.ListRunsAsync("", Cancel)).ShouldBe(names, ignoreOrder: true);
        (await other.ReadRunAsync(longName, 0, 10, Cancel)).Length.ShouldBe(1);
        (await other.ReadRunAsync(names[5], 0, 10, Cancel)).Length.ShouldBe(1);
        (await other.ReadRunAsync("flights-3/4-17", 0, 10, Cancel)).Length.ShouldBe(1);
        await storage.WriteRunAsync("flights-3/4-17", new byte[2], Cancel);
        (await other.ReadRunAsync("flights-3/4-17", 0, 10, Cancel)).Length.ShouldBe(2);
        await storage.DeleteRunAsync("flights-3/4-17", Cancel);
        await storage.DeleteRunAsync("flights-3/4-17", Cancel);
        await storage.DeleteRunAsync(longName, Cancel);
        (await storage.ListRunsAsync("flights-3/", Cancel)).ShouldBe(["flights-3/4-18", otherLong], ignoreOrder: true);
        CorruptDataException e = await Should.ThrowAsync<CorruptDataException>(async () => await other.ReadRunAsync("flights-3/4-17", 0, 1, Cancel));
        e.Message.ShouldContain("flights-3/4-17");
    }

    [Theory]
    [InlineData(Fault.LoseRequest)]
    [InlineData(Fault.LoseAnswer)]
    [InlineData(Fault.FailAfter)]
    [InlineData(Fault.SendTwice)]
    internal async Task A_run_is_written_whole_whatever_becomes_of_requests(Fault fault)
    {
        await using AzureBlobStorage storage = await OpenAsync();
        foreach (int size in new[] { 100, 9 << 20 })
        {
            for (int nth = 0; nth < 4; nth++)
            {
                int left = nth;
                Faults.Decide = asked => asked.IsRunWrite && Interlocked.Decrement(ref left) == -1 ? fault : Fault.None;
                byte[] content = Bytes(size + nth);
                await storage.WriteRunAsync("r", Pieces(content, 1 << 20), Cancel);
                (await storage.ReadRunAsync("r", 0, int.MaxValue, Cancel)).Span.SequenceEqual(content).ShouldBeTrue();
            }
        }
    }

    private static byte[] Bytes(int size)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        return content;
    }

    /// <summary>Pieces that lie in the same memory, one after the other.</summary>
    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] content, int size)
    {
        byte[] buffer = new byte[size];
        for (int at = 0; at < content.Length; at += size)
        {
            int count = Math.Min(size, content.Length - at);
            content.AsSpan(at, count).CopyTo(buffer);
            yield return buffer.AsMemory(0, count);
            buffer.AsSpan().Fill(0xEE);
            await Task.Yield();
        }
    }
}
