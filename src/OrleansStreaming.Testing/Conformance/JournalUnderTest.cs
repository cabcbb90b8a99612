using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>A journal of a trial, and its writer. The bytes of a frame follow from journal and LSN, so that every frame that is read can be checked.</summary>
internal sealed class JournalUnderTest
{
    private readonly StorageTrial _trial;
    private readonly IJournalWriter _writer;
    private readonly IStorage _storage;

    private JournalUnderTest(StorageTrial trial, IStorage storage, IJournalWriter writer, string name)
    {
        _trial = trial;
        _storage = storage;
        _writer = writer;
        Name = name;
    }

    public string Name { get; }

    /// <summary>The last frame that was confirmed.</summary>
    public long Confirmed { get; private set; }

    public static async Task<JournalUnderTest> CreateAsync(StorageTrial trial, IStorage storage, string name) =>
        new(trial, storage, await storage.CreateJournalAsync(name, trial.Cancel).ConfigureAwait(false), name);

    /// <summary>Appends so many frames in one call.</summary>
    public Task AppendAsync(int count = 1, int bodyBytes = 40) => AppendAsync(count, bodyBytes, _trial.Cancel);

    public async Task AppendAsync(int count, int bodyBytes, CancellationToken cancellationToken)
    {
        await _writer.AppendAsync([.. Enumerable.Range(1, count).Select(i => Frame(Confirmed + i, bodyBytes))], cancellationToken).ConfigureAwait(false);
        Confirmed += count;
    }

    public ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames) => _writer.AppendAsync(frames, _trial.Cancel);

    /// <summary>An append of so many frames that stands still at a step.</summary>
    public async Task<(Task Append, AppendPause Pause)> PauseAsync(AppendStep step, int count, CancellationToken cancellationToken = default)
    {
        AppendPause pause = _trial.Pause(_storage, Name, step);
        Task append = AppendAsync(count, 40, cancellationToken);
        if (await Task.WhenAny(pause.Reached, append).WaitAsync(_trial.Cancel).ConfigureAwait(false) == append)
        {
            await append.ConfigureAwait(false);
            _trial.Fail("an append is confirmed when it is durable, not before", $"an append that stands at {step}", "its confirmation");
        }

        return (append, pause);
    }

    /// <summary>Whether one more frame is confirmed.</summary>
    public Task<bool> ConfirmsAsync() => StorageTrial.SucceedsAsync(async () => await AppendAsync().ConfigureAwait(false));

    /// <summary>An append must find the journal sealed.</summary>
    public Task FencedAsync(string clause) => _trial.ThrowsAsync<JournalFencedException>(async () => await AppendAsync().ConfigureAwait(false), clause);

    public Task<long> SealAsync(IStorage? storage = null) => (storage ?? _storage).SealJournalAsync(Name, _trial.Cancel).AsTask();

    /// <summary>Reads on until nothing comes, and requires exactly the frames of a range.</summary>
    public Task HoldsAsync(long from, long to, string clause, IStorage? storage = null) => HoldsAsync(_trial, storage ?? _storage, Name, from, to, clause);

    public static async Task HoldsAsync(StorageTrial trial, IStorage storage, string journal, long from, long to, string clause) =>
        trial.Sequence(Lsns(from, to), await ReadAllAsync(trial, storage, journal, from, 1 << 20).ConfigureAwait(false), clause);

    /// <summary>Reads in pieces of about so many bytes until nothing comes; checks the bytes.</summary>
    public static async Task<List<long>> ReadAllAsync(StorageTrial trial, IStorage storage, string journal, long from, int maxBytes, long to = long.MaxValue)
    {
        var all = new List<long>();
        while (await ReadAsync(trial, storage, journal, from, to, maxBytes).ConfigureAwait(false) is { Count: > 0 } frames)
        {
            all.AddRange(frames.Select(frame => frame.Lsn));
            from = frames[^1].Lsn + 1;
        }

        return all;
    }

    /// <summary>One read; checks the range, the order and the bytes.</summary>
    public static async Task<IReadOnlyList<StoredFrame>> ReadAsync(StorageTrial trial, IStorage storage, string journal, long from, long to, int maxBytes)
    {
        IReadOnlyList<StoredFrame> frames = await storage.ReadFramesAsync(journal, from, to, maxBytes, trial.Cancel).ConfigureAwait(false);
        for (int i = 0; i < frames.Count; i++)
        {
            StoredFrame frame = frames[i];
            trial.Require(frame.Lsn >= from && frame.Lsn <= to, "a read returns frames of its range only", $"LSNs {from} to {to}", $"{frame.Lsn}");
            trial.Require(i == 0 || frame.Lsn == frames[i - 1].Lsn + 1, "frames come in LSN order without gaps", i == 0 ? "" : $"{frames[i - 1].Lsn + 1}", $"{frame.Lsn}");
            int bodyBytes = Math.Max(0, frame.Bytes.Length - FrameHeader.Size);
            trial.Bytes(Joined(Frame(journal, frame.Lsn, bodyBytes)), frame.Bytes.Span, $"frame {frame.Lsn} is read as it was appended");
        }

        return frames;
    }

    public FrameToWrite Frame(long lsn, int bodyBytes = 40) => Frame(Name, lsn, bodyBytes);

    public static byte[] Joined(FrameToWrite frame) => [.. frame.Pieces.SelectMany(piece => piece.ToArray())];

    public static IEnumerable<long> Lsns(long from, long to)
    {
        for (long lsn = from; lsn <= to; lsn++)
        {
            yield return lsn;
        }
    }

    private static FrameToWrite Frame(string journal, long lsn, int bodyBytes)
    {
        byte[] body = new byte[bodyBytes];
        new Random((int)Crc32C.Compute(System.Text.Encoding.UTF8.GetBytes($"{journal} {lsn}"))).NextBytes(body);
        byte[] header = new byte[FrameHeader.Size];
        new FrameHeader(bodyBytes, 0, lsn, Crc32C.Compute(body)).Write(header);
        int half = bodyBytes / 2;
        return new FrameToWrite(lsn, [header, body.AsMemory(0, half), body.AsMemory(half)], header.Length + bodyBytes);
    }
}
