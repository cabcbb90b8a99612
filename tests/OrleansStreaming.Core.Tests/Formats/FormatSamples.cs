using System.Buffers;
using System.Globalization;
using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>Samples of everything that Core stores, of several shapes that follow from a seed; written by the code that writes the real ones.</summary>
internal static class FormatSamples
{
    private static readonly Topology Samples = Declare();

    public static byte[] Frame(int seed)
    {
        var random = new Random(seed);
        return Bytes(FrameCodec.Encode(1 + random.Next(1000), random.Next(3), [.. Enumerable.Range(0, seed % 4).Select(_ => Block(random, 1 + random.Next(1000)))]));
    }

    public static byte[] Archive(int seed)
    {
        var random = new Random(seed);
        return ArchiveRun.Write([.. Enumerable.Range(0, seed % 4).Select(i => Block(random, i + 1))]).Content;
    }

    public static byte[] Checkpoints(int seed)
    {
        var random = new Random(seed);
        var buffer = new CaptureBuffer();
        var deltas = new DeltaLimits(new SiloOptions());
        OperatorType[] types = [.. Samples.Operators.Select(o => OperatorType.For(o, Samples))];
        int left = seed % 5;
        foreach (OperatorType type in types)
        {
            for (int i = type == types[^1] ? left : random.Next(left + 1); i > 0; i--, left--)
            {
                byte[] key = [(byte)('a' + left), .. Text(random, 0, 12)];
                var grain = new Grain(key, KeyHash.Compute(key)) { Position = new Offset(1, left).Value, Instance = type.Create(key, NoServices.Instance) };
                if (grain.Instance is Sample sample)
                {
                    sample.StateField = new SampleState { Count = random.Next(), Words = [.. Enumerable.Range(0, random.Next(3)).Select(n => $"w{n}")] };
                    grain.Pending = random.Next(2) == 0 ? null : [.. Enumerable.Range(0, random.Next(3)).Select(_ => Pending(random))];
                }

                buffer.Add(type, grain, deltas);
            }

            buffer.EndHost();
        }

        var writer = new CaptureWriter(buffer, [.. types.Select(t => t.Definition.Id)], new RunLimits(1 << (seed % 9), 100), null);
        return [.. writer.WriteAsync(default).ToBlockingEnumerable().SelectMany(p => p.ToArray())];
    }

    public static byte[] Producers(int seed)
    {
        var random = new Random(seed);
        var table = new ProducerTable();
        for (int i = 0; i < seed % 5; i++)
        {
            byte[] key = [(byte)(1 + (i % 2)), .. Text(random, 1, 10), (byte)i];
            table.Raise(key, new ProducerEntry(new RecordName(Number(random), random.Next(3)), 1, 2, random.Next()));
        }

        return table.ToBytes();
    }

    public static byte[] Manifest(int seed)
    {
        var random = new Random(seed);
        Dictionary<int, long> Positions() => Enumerable.Range(1, random.Next(3)).ToDictionary(id => id, _ => Number(random));
        return new PartitionManifest
        {
            Partition = 2049,
            Name = "flüge-1",
            Version = random.Next(),
            Write = random.Next(),
            Owners = [.. Enumerable.Range(1, seed % 3).Select(e => new Ownership(e, e - 1, Number(random), e % 2 == 0 ? Number(random) : -1))],
            ReleaseSealVersion = random.Next(4),
            Runs = [.. Enumerable.Range(1, random.Next(3)).Select(n => new RunInfo($"flüge-1/1-{n}", random.Next(), n))],
            Table = random.Next(2) == 0 ? null : "flüge-1/1-9-names",
            TablePosition = Number(random),
            Committed = Positions(),
            Sinks = Positions(),
            SinksStored = Positions(),
            Archives = [.. Enumerable.Range(1, random.Next(3)).Select(n => new ArchiveInfo($"flüge-1/1-{n}-records", Number(random), n))],
            TrimmedTo = Number(random),
        }.ToBytes();
    }

    public static byte[] Cluster(int seed) => new ClusterRecord
    {
        Journals = [.. Enumerable.Range(0, 1 + (seed % 4)).Select(i => new JournalInfo($"silo{i % 2}", (i / 2) + 1))],
        Seals = [.. Enumerable.Range(0, seed % 3 == 0 ? 0 : 1).Select(i => new Seal(i, 17 * seed))],
    }.ToBytes();

    public static string ReadFrame(byte[] frame) => Describe(FrameCodec.Decode(3, new StoredFrame(7, frame), (_, _) => true));

    /// <summary>Reads an archive as a new owner does: footer, index, then every block.</summary>
    public static async Task<string> ReadArchiveAsync(IStorage storage, string run)
    {
        List<LogBlock> blocks = await ArchiveRun.OpenAsync(storage, run, 2049, default);
        foreach (LogBlock block in blocks)
        {
            ReadOnlyMemory<byte> bytes = await storage.ReadRunAsync(run, block.ArchivedIn!.At, block.ArchivedIn.Length, default);
            block.Restore(FrameCodec.Decode(block.Journal, new StoredFrame(block.Lsn, bytes), (_, _) => true)[0], new JournalTable());
        }

        return Describe(blocks);
    }

    /// <summary>Reads checkpoints: what a new owner reads, then every entry.</summary>
    public static async Task<string> ReadCheckpointsAsync(IStorage storage, string run, long length)
    {
        (CheckpointRun opened, List<(int Operator, byte[] Key)> waiting) = await CheckpointRun.OpenAsync(storage, new RunInfo(run, length, 0), default);
        var text = new StringBuilder("checkpoints");
        foreach ((int id, byte[] key) in waiting)
        {
            text.Append(CultureInfo.InvariantCulture, $" {id} {Convert.ToHexString(key)} waits");
        }

        var cursor = new RunCursor(opened, 50);
        await cursor.FillAsync(storage, default);
        while (!cursor.AtEnd)
        {
            Describe(text.Append(CultureInfo.InvariantCulture, $"\n{cursor.Operator} {opened.MayContain(cursor.Operator, cursor.Hash)} "), cursor.Entry);
            cursor.MoveNext();
            if (cursor.NeedsFill)
            {
                await cursor.FillAsync(storage, default);
            }
        }

        return text.ToString();
    }

    private static void Describe(StringBuilder text, RunEntry entry)
    {
        ReadOnlySpan<byte> state;
        List<PendingRequest>? pending;
        try
        {
            pending = RunEntry.ReadPending(entry.Kind, entry.Body, out state);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException("run", 0, e.Message); // As whoever reads it does.
        }

        text.Append(CultureInfo.InvariantCulture, $"{Convert.ToHexString(entry.Key)} {entry.Position} {entry.Kind} {Convert.ToHexString(state)}");
        foreach (PendingRequest request in pending ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $" [{request.Name} {request.Kind} {request.Tag} {request.Due} {Convert.ToHexString(request.Request)}]");
        }
    }

    public static string ReadProducers(byte[] bytes) => string.Join('\n', ProducerTable.Parse("sample", bytes).Entries
        .Select(e => $"{Convert.ToHexString(e.Key.Span)} {e.Value}").Order(StringComparer.Ordinal).Prepend("producers"));

    public static string ReadManifest(byte[] bytes) => Encoding.UTF8.GetString(PartitionManifest.Parse("sample", bytes).ToBytes());

    public static string ReadCluster(byte[] bytes) => Encoding.UTF8.GetString(ClusterRecord.Parse(new StoredRecord("1", bytes)).ToBytes());

    private static LogBlock Block(Random random, long lsn)
    {
        var block = new LogBlock(2049, 3, lsn, new Offset(2, random.Next(1000)), 1000);
        CausalityVector? vector = null;
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            var row = new Row
            {
                Kind = (RecordKind)random.Next(4),
                Producer = (ProducerKind)random.Next(4),
                TypeIndex = (byte)random.Next(3),
                Time = 1000 + random.Next(-5, 100_000),
                Key = Text(random, 1, 8),
                OperatorId = random.Next(300),
                ProducerKey = Text(random, 1, 8),
                Name = new RecordName(Number(random), random.Next(200)),
                Payload = Text(random, 0, 20),
            };
            vector = random.Next(3) == 0 ? CausalityVector.With(vector, random.Next(1, 4), random.Next(1, 1000)) : vector;
            block.Append(ref row, random.Next(2) == 0 ? vector : null);
        }

        block.Closed = true;
        return block;
    }

    private static string Describe(List<LogBlock> blocks)
    {
        var text = new StringBuilder("blocks");
        foreach (LogBlock block in blocks)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{block.Partition} {block.Journal} {block.Lsn} {block.First} {block.BaseTime} {block.SealVersion}");
            int at = 0;
            for (int i = 0; i < block.Count; i++)
            {
                at += Row.Read(block.Rows[at..], block.BaseTime, out Row row);
                text.Append(CultureInfo.InvariantCulture, $"\n {row.Kind} {row.Producer} {row.TypeIndex} {block.VectorOf(row.Slot)} {row.Time} {row.OperatorId} {row.Name}")
                    .Append(CultureInfo.InvariantCulture, $" {Convert.ToHexString(row.Key)} {Convert.ToHexString(row.ProducerKey)} {Convert.ToHexString(row.Payload)}");
            }

            at.ShouldBe(block.Length);
        }

        return text.ToString();
    }

    private static PendingRequest Pending(Random random) =>
        new(new RecordName(Number(random), random.Next(5)), random.Next(2) == 0 ? RecordKind.Timer : RecordKind.CallResult, "tag", random.Next(-5, 1000), Text(random, 0, 9));

    private static long Number(Random random) => new Offset(random.Next(1, 4), random.Next(1 << random.Next(1, 30))).Value;

    private static byte[] Text(Random random, int from, int to)
    {
        byte[] bytes = new byte[random.Next(from, to)];
        random.NextBytes(bytes);
        return bytes.Length == 0 ? bytes : Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)[..bytes.Length]);
    }

    private static byte[] Bytes(FrameToWrite frame) => [.. frame.Pieces.SelectMany(p => p.ToArray())];

    private static Topology Declare()
    {
        Topology topology = new StreamingBuilder()
            .AddStream<SampleEvent>("a", e => e.Key)
            .AddStream<SampleEvent>("b", e => e.Key)
            .AddOperator<Sample>(["a", "b"])
            .Build();
        DeploymentManifest.Create(topology); // gives the operators their ids
        return topology;
    }

    private sealed class NoServices : IServiceProvider
    {
        public static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }
}

internal sealed record SampleEvent(string Key);

internal sealed class SampleState
{
    public int Count { get; set; }

    public string[] Words { get; set; } = [];
}

internal sealed class Sample : OperatorGrain<SampleState>, IConsume<SampleEvent>
{
    public ValueTask OnEvent(SampleEvent @event, EventContext context) => default;
}
