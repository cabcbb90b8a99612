namespace OrleansStreaming.Abstractions.Tests.Sinks;

/// <summary>
/// Both files of a sink, cut at every byte and with every bit flipped. Each time the damage is reported with its file, or
/// the sink stands where a commit left it, or the place is one that says nothing.
/// </summary>
public sealed class SinkDamageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder["out/reports-3.jsonl"];

    private string Positions => _folder["out/reports-3.pos"];

    public void Dispose() => _folder.Dispose();

    /// <summary>With 0 to 3 commits behind the record that opening writes.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_damaged_position_is_reported_or_that_of_an_earlier_commit(int commits)
    {
        List<(Offset Position, int Length)> states = await CommitAsync(commits);
        byte[] data = File.Exists(Data) ? File.ReadAllBytes(Data) : [];
        byte[] positions = File.ReadAllBytes(Positions);
        for (int length = 0; length < positions.Length; length++)
        {
            // What is cut off may never have been written: the last whole record counts. Without any, data is nobody's.
            int whole = length / PositionRecord.Size;
            bool reported = whole == 0 && data.Length > 0;
            await OpenAsync(data, positions[..length], reported ? null : states[Math.Max(0, whole - 1)], $"cut at {length}");
        }

        for (int bit = 0; bit < positions.Length * 8; bit++)
        {
            // The last record may be torn, then the one before counts; otherwise nothing before the last is looked at.
            bool isLast = bit / 8 / PositionRecord.Size == commits;
            bool reported = isLast && commits == 0 && data.Length > 0;
            byte[] flipped = [.. positions];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await OpenAsync(data, flipped, reported ? null : states[isLast ? Math.Max(0, commits - 1) : commits], $"bit {bit % 8} of byte {bit / 8}");
        }
    }

    /// <summary>After its file was cut down to one record, there is no earlier one to go back to.</summary>
    [Fact]
    public async Task Damage_to_the_only_position_of_a_file_with_data_is_reported()
    {
        (Offset Position, int Length) last = (await CommitAsync(2))[^1];
        byte[] data = File.ReadAllBytes(Data);
        byte[] only = File.ReadAllBytes(Positions)[^PositionRecord.Size..];
        await OpenAsync(data, only, last, "whole");
        for (int bit = 0; bit < only.Length * 8; bit++)
        {
            byte[] flipped = [.. only];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await OpenAsync(data, flipped, null, $"bit {bit % 8} of byte {bit / 8}");
        }
    }

    [Fact]
    public async Task Cut_data_is_reported_and_changed_data_is_left_to_its_readers()
    {
        (Offset Position, int Length) last = (await CommitAsync(3))[^1];
        byte[] data = File.ReadAllBytes(Data);
        byte[] positions = File.ReadAllBytes(Positions);
        data.Length.ShouldBe(last.Length);
        for (int length = 0; length < data.Length; length++)
        {
            await OpenAsync(data[..length], positions, null, $"cut at {length}");
        }

        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            // The sink never reads lines back, and they have no checksum: they are the readers' own format.
            byte[] flipped = [.. data];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await OpenAsync(flipped, positions, last, $"bit {bit % 8} of byte {bit / 8}");
        }
    }

    /// <summary>Opens what is there, and expects a state or an error; the data must be exactly what the state covers.</summary>
    private async Task OpenAsync(byte[] data, byte[] positions, (Offset Position, int Length)? expected, string what)
    {
        File.WriteAllBytes(Data, data);
        File.WriteAllBytes(Positions, positions);
        Offset? opened = null;
        try
        {
            opened = await new JsonLinesSink<Report>(_folder["out"]).OpenAsync(Partition(1), default);
        }
        catch (InvalidDataException e)
        {
            e.Message.ShouldContain(_folder["out/reports-3."], customMessage: what);
        }

        opened.ShouldBe(expected?.Position, what);
        File.ReadAllBytes(Data).ShouldBe(expected is { } state ? data[..state.Length] : data, what);
    }

    /// <summary>Commits one report after the other; returns where each commit left the sink, from its opening on.</summary>
    private async Task<List<(Offset Position, int Length)>> CommitAsync(int commits)
    {
        JsonLinesSink<Report> sink = new(_folder["out"]);
        Offset at = await sink.OpenAsync(Partition(1), default) ?? Offset.None;
        List<(Offset, int)> states = [(at, 0)];
        for (int i = 0; i < commits; i++)
        {
            Offset next = new(1, i);
            await sink.WriteAsync(new(Partition(1), at, next, [new(new Report("A" + i, i / 2.0), next, $"n{i}", default)]), default);
            states.Add((at = next, (int)new FileInfo(Data).Length));
        }

        return states;
    }

    private static SinkPartition Partition(int epoch) => new("sink", "reports", 3, epoch);
}
