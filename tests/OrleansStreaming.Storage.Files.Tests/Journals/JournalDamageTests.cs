using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>
/// Journals of several segments, each file cut at every byte and with every bit flipped. Each time the damage is reported
/// with its file, or the journal reads as a torn tail leaves it, or the place is one that says nothing.
/// </summary>
public sealed class JournalDamageTests : IDisposable
{
    private const int BodyBytes = 8;
    private const int FrameBytes = FramePrefix.Size + FrameHeader.Size + BodyBytes;
    private const int FramesPerSegment = 3;
    private const int UsedBytes = SegmentHeader.Size + (FramesPerSegment * FrameBytes);
    private const int SegmentBytes = UsedBytes + 20;
    private const long Last = 3 * FramesPerSegment;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("unsealed")]
    [InlineData("trimmed")]
    [InlineData("recycled")]
    public async Task Damage_is_reported_or_a_torn_tail_or_says_nothing(string shape)
    {
        await WriteAsync(shape);
        long first = shape == "trimmed" ? 4 : 1;
        bool isSealed = shape == "trimmed";
        string[] files = [.. Directory.GetFiles(_folder["journals", "j"]).Order(StringComparer.Ordinal)];
        files.Length.ShouldBe(shape == "trimmed" ? 5 : 4); // segments and marks
        foreach (string file in files)
        {
            byte[] whole = await File.ReadAllBytesAsync(file);
            bool isLast = file.EndsWith($"{Last - FramesPerSegment + 1:x16}.seg", StringComparison.Ordinal);
            foreach ((string what, byte[] damaged, int? at) in Damages(whole))
            {
                await File.WriteAllBytesAsync(file, damaged);
                (long[]? read, CorruptDataException? error) = await ReadAsync();
                string where = $"{Path.GetFileName(file)}, {what}";
                if (error is not null)
                {
                    error.File.ShouldBe(file, where);
                }
                else if (read!.Length == Last - first + 1)
                {
                    SaysNothing(file, at, isSealed).ShouldBeTrue(where);
                }
                else
                {
                    // The two frames of the last append, which nothing proves to have been confirmed.
                    (isLast && !isSealed && at >= SegmentHeader.Size + FrameBytes && at < UsedBytes).ShouldBeTrue(where);
                    read.ShouldBe(TestFrames.Lsns(first, at < SegmentHeader.Size + (2 * FrameBytes) ? Last - 2 : Last - 1), where);
                }

                if (!isSealed)
                {
                    File.Delete(_folder["journals", "j", "fence"]);
                }
            }

            await File.WriteAllBytesAsync(file, whole);
        }

        (await ReadAsync()).Read.ShouldBe(TestFrames.Lsns(first, Last));
    }

    /// <summary>The places whose damage is not reported, since nothing depends on them. A cut segment is always reported.</summary>
    private static bool SaysNothing(string file, int? at, bool isSealed) => Path.GetFileName(file) switch
    {
        // A sealed journal's fence says where it ends.
        JournalFiles.BegunFile => isSealed,

        // Behind the last frame of a segment: zeros, or what an earlier use left.
        string name => name.EndsWith(".seg", StringComparison.Ordinal) && at >= UsedBytes,
    };

    private static IEnumerable<(string What, byte[] Bytes, int? At)> Damages(byte[] whole)
    {
        for (int length = 0; length < whole.Length; length++)
        {
            yield return ($"cut at {length}", whole[..length], null);
        }

        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return ($"bit {bit % 8} of byte {bit / 8}", flipped, bit / 8);
        }
    }

    private async Task<(long[]? Read, CorruptDataException? Error)> ReadAsync()
    {
        await using FileStorage storage = Open();
        try
        {
            long end = await storage.SealJournalAsync("j", default);
            long[] read = await storage.ReadAllAsync("j"); // compares every byte
            read[^1].ShouldBe(end);
            return (read, null);
        }
        catch (CorruptDataException e)
        {
            return (null, e);
        }
    }

    private async Task WriteAsync(string shape)
    {
        await using FileStorage storage = Open();
        if (shape == "recycled")
        {
            // Frames of the same length and with the same LSNs as those that will stand before them.
            await using IJournalWriter old = await storage.CreateJournalAsync("old", default);
            await old.AppendAsync(1, Last + 1, BodyBytes);
            await storage.TrimJournalAsync("old", Last + 1, default);
            Directory.GetFiles(_folder["spare"]).Length.ShouldBe(3);
        }

        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        for (long lsn = 1; lsn < Last; lsn += FramesPerSegment)
        {
            await writer.AppendAsync(lsn, lsn, BodyBytes);
            await writer.AppendTogetherAsync(lsn + 1, lsn + 2, BodyBytes);
        }

        if (shape == "trimmed")
        {
            await storage.SealJournalAsync("j", default);
            await storage.TrimJournalAsync("j", 4, default);
        }
    }

    private FileStorage Open() => FileStorage.Open(
        _folder.Path, new FileStorageOptions { SegmentSizeBytes = SegmentBytes, Files = LyingFileSystem.WithoutFlushes(), MakeSegmentsAhead = false });
}
