using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Where segments fill fast the space of the next is reserved; where there is time it is written.</summary>
public sealed class HurryTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Space_is_reserved_when_segments_fill_fast_and_written_when_they_do_not(bool fast)
    {
        var files = new RecordingFileSystem();
        var clock = new Clock();
        await AppendAsync(files, clock, fast ? TimeSpan.Zero : TimeSpan.FromSeconds(1));
        Reserved(files).ShouldBe(fast ? 2 : 0);
        Filled(files).ShouldBe(fast ? 1 : 3, "the first of a journal, which nobody has seen filling, always is");
        await ReadBackAsync();
    }

    [Fact]
    public async Task Where_the_system_cannot_reserve_space_it_is_written()
    {
        var files = new LyingFileSystem(operation => operation.Call == FileCall.Reserve); // What is skipped returns false.
        await AppendAsync(files, new Clock(), TimeSpan.Zero);
        Filled(files).ShouldBe(3);
        await ReadBackAsync();
    }

    /// <summary>Three segments of 15 frames.</summary>
    private async Task AppendAsync(RecordingFileSystem files, Clock clock, TimeSpan each)
    {
        await using FileStorage storage = FileStorage.Open(
            _folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = files, MakeSegmentsAhead = false, TimeProvider = clock });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        for (long lsn = 1; lsn <= 45; lsn++)
        {
            await writer.AppendAsync(lsn, lsn, bodyBytes: 200);
            clock.Now += each;
        }
    }

    private async Task ReadBackAsync()
    {
        await using FileStorage again = FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096 });
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 45));
        (await again.SealJournalAsync("j", default)).ShouldBe(45);
    }

    private static int Reserved(RecordingFileSystem files) => files.Log.Count(o => o.Call == FileCall.Reserve);

    private static int Filled(RecordingFileSystem files) => files.Log.Count(o => o is { Call: FileCall.Write, Offset: 0, Length: 4096 });

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
