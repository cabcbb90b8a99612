using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Memory that frames are read into, and who may look at it when.</summary>
public sealed class LendingTests : IDisposable
{
    private const int BodyBytes = 100_000;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Readers_that_give_memory_back_never_see_what_others_read()
    {
        await using FileStorage storage = FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 4 << 20 });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendTogetherAsync(1, 60, BodyBytes);
        byte[][] expected = [.. TestFrames.Lsns(1, 60).Select(lsn => TestFrames.Bytes(TestFrames.Frame(lsn, BodyBytes)))];
        await Task.WhenAll(Enumerable.Range(0, 6).Select(reader => Task.Run(async () =>
        {
            for (int round = 0; round < 5; round++)
            {
                for (long lsn = 1 + reader; lsn <= 60;)
                {
                    IReadOnlyList<StoredFrame> frames = await storage.ReadFramesAsync("j", lsn, 60, int.MaxValue, default);
                    await Task.Yield();
                    frames.All(f => f.Bytes.Span.SequenceEqual(expected[f.Lsn - 1])).ShouldBeTrue();
                    lsn = frames[^1].Lsn + 1;
                    if ((lsn + reader) % 4 != 0)
                    {
                        ((IDisposable)frames).Dispose();
                    }
                }
            }
        })));
    }

    [Fact]
    public void What_was_given_back_is_lent_again_and_not_more_is_kept_than_a_few()
    {
        var buffers = new FrameBuffers();
        byte[] first = buffers.Rent(FrameBuffers.Size);
        buffers.Return(first);
        buffers.Rent(FrameBuffers.Size / 2).ShouldBeSameAs(first);
        buffers.Rent(FrameBuffers.Size / 2).ShouldNotBeSameAs(first);
        buffers.Rent(1000).Length.ShouldBe(1000, "small reads have memory of their own");
        buffers.Rent(FrameBuffers.Size + 1).Length.ShouldBe(FrameBuffers.Size + 1, "and so have frames that are longer than a buffer");

        byte[][] many = [.. Enumerable.Range(0, 50).Select(_ => buffers.Rent(FrameBuffers.Size))];
        Array.ForEach(many, buffers.Return);
        Enumerable.Range(0, 50).Count(_ => many.Contains(buffers.Rent(FrameBuffers.Size))).ShouldBeInRange(2, 10);
    }
}
