namespace OrleansStreaming.Abstractions.Tests.Sinks;

public sealed class JsonLinesSinkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder["out/reports-3.jsonl"];

    private string Positions => _folder["out/reports-3.pos"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Writes_lines_and_remembers_the_position()
    {
        JsonLinesSink<Report> sink = Sink();
        (await sink.OpenAsync(Partition(1), default)).ShouldBe(Offset.None);
        await sink.WriteAsync(Batch(1, -1, 1), default);
        await sink.WriteAsync(Batch(1, 1, 3), default);
        File.ReadAllText(Data).ShouldBe(Lines(0, 3));

        JsonLinesSink<Report> next = Sink();
        (await next.OpenAsync(Partition(2), default)).ShouldBe(new Offset(1, 3));
        await next.WriteAsync(Batch(2, 3, 4), default);
        File.ReadAllText(Data).ShouldBe(Lines(0, 4));
    }

    [Fact]
    public async Task An_empty_folder_name_is_refused_and_a_missing_folder_made()
    {
        Should.Throw<ArgumentException>(() => new JsonLinesSink<Report>(" "));
        await new JsonLinesSink<Report>(_folder["a/b/c"]).OpenAsync(Partition(1), default);
        Directory.Exists(_folder["a/b/c"]).ShouldBeTrue();
    }

    [Theory]
    [InlineData("reports", "reports")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("..", "..")]
    [InlineData("é%", "%C3%A9%25")]
    public void File_names_are_escaped(string stream, string expected) => JsonLinesFile.Escape(stream).ShouldBe(expected);

    [Fact]
    public async Task A_crash_at_any_byte_of_the_data_leaves_exact_lines()
    {
        await CommitAsync(Sink());
        byte[] committed = File.ReadAllBytes(Data);
        byte[] positions = File.ReadAllBytes(Positions);
        byte[] torn = [.. committed, .. System.Text.Encoding.UTF8.GetBytes(Lines(3, 5))];
        for (int length = committed.Length; length <= torn.Length; length++)
        {
            File.WriteAllBytes(Data, torn[..length]);
            File.WriteAllBytes(Positions, positions);
            await ContinueAsync(expectedFrom: 2);
        }
    }

    [Fact]
    public async Task A_crash_at_any_byte_of_the_position_leaves_exact_lines()
    {
        JsonLinesSink<Report> sink = Sink();
        await CommitAsync(sink);
        long before = new FileInfo(Positions).Length;
        await sink.WriteAsync(Batch(1, 2, 4), default);
        byte[] data = File.ReadAllBytes(Data);
        byte[] positions = File.ReadAllBytes(Positions);
        (positions.Length - before).ShouldBe(PositionRecord.Size);
        for (int length = (int)before; length <= positions.Length; length++)
        {
            File.WriteAllBytes(Data, data);
            File.WriteAllBytes(Positions, positions[..length]);
            await ContinueAsync(expectedFrom: length == positions.Length ? 4 : 2);
        }
    }

    [Fact]
    public async Task A_crash_that_tears_the_inside_of_the_position_leaves_exact_lines()
    {
        JsonLinesSink<Report> sink = Sink();
        await CommitAsync(sink);
        await sink.WriteAsync(Batch(1, 2, 4), default);
        byte[] data = File.ReadAllBytes(Data);
        byte[] positions = File.ReadAllBytes(Positions);
        for (int at = positions.Length - PositionRecord.Size; at < positions.Length; at++)
        {
            byte[] torn = [.. positions];
            torn[at] ^= 0x10;
            File.WriteAllBytes(Data, data);
            File.WriteAllBytes(Positions, torn);
            await ContinueAsync(expectedFrom: 2);
        }
    }

    [Fact]
    public async Task A_crash_before_the_first_commit_leaves_nothing()
    {
        await Sink().OpenAsync(Partition(1), default);
        File.WriteAllText(Data, "{\"half");
        (await Sink().OpenAsync(Partition(2), default)).ShouldBe(Offset.None);
        File.ReadAllText(Data).ShouldBe("");
    }

    [Fact]
    public async Task A_crash_at_any_byte_of_the_first_position_leaves_nothing()
    {
        await Sink().OpenAsync(Partition(1), default);
        byte[] positions = File.ReadAllBytes(Positions);
        for (int length = 0; length <= positions.Length; length++)
        {
            File.WriteAllBytes(Positions, positions[..length]);
            (await Sink().OpenAsync(Partition(1), default)).ShouldBe(Offset.None);
            File.ReadAllBytes(Positions).ShouldBe(positions);
        }
    }

    [Fact]
    public async Task An_owner_that_was_replaced_is_refused()
    {
        JsonLinesSink<Report> old = Sink();
        await CommitAsync(old);
        JsonLinesSink<Report> newer = Sink();
        await newer.OpenAsync(Partition(2), default);
        (await Should.ThrowAsync<SinkFencedException>(async () => await old.WriteAsync(Batch(1, 2, 3), default))).Message.ShouldContain("epoch 2");
        await Should.ThrowAsync<SinkFencedException>(async () => await old.OpenAsync(Partition(1), default));
        await newer.WriteAsync(Batch(2, 2, 3), default);
        File.ReadAllText(Data).ShouldBe(Lines(0, 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(-1)]
    public async Task A_batch_from_elsewhere_is_refused(long from)
    {
        JsonLinesSink<Report> sink = Sink();
        await CommitAsync(sink);
        (await Should.ThrowAsync<SinkFencedException>(async () => await sink.WriteAsync(Batch(1, from, 5), default))).Message.ShouldContain("is at 1.2");
        File.ReadAllText(Data).ShouldBe(Lines(0, 2));
    }

    [Fact]
    public async Task A_sink_that_was_not_opened_is_refused() =>
        await Should.ThrowAsync<SinkFencedException>(async () =>
        {
            Directory.CreateDirectory(_folder["out"]);
            await Sink().WriteAsync(Batch(1, -1, 5), default);
        });

    [Fact]
    public async Task A_file_that_is_not_the_sinks_is_left_alone()
    {
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(Data, "precious");
        (await Should.ThrowAsync<InvalidDataException>(async () => await Sink().OpenAsync(Partition(1), default))).Message.ShouldContain("move the data file away");
        File.ReadAllText(Data).ShouldBe("precious");
    }

    [Fact]
    public async Task Lost_data_and_damaged_positions_are_reported()
    {
        JsonLinesSink<Report> sink = Sink();
        await CommitAsync(sink);
        byte[] data = File.ReadAllBytes(Data);
        File.WriteAllBytes(Data, data[..^1]);
        (await Should.ThrowAsync<InvalidDataException>(async () => await Sink().OpenAsync(Partition(1), default)))
            .Message.ShouldContain($"has {data.Length - 1} bytes, and {data.Length} were committed");
        await Should.ThrowAsync<InvalidDataException>(async () => await sink.WriteAsync(Batch(1, 2, 3), default));
        File.Delete(Data);
        await Should.ThrowAsync<InvalidDataException>(async () => await Sink().OpenAsync(Partition(1), default));

        File.WriteAllBytes(Data, data);
        byte[] positions = File.ReadAllBytes(Positions);
        Array.Clear(positions, positions.Length - 64, 64);
        File.WriteAllBytes(Positions, positions);
        (await Should.ThrowAsync<InvalidDataException>(async () => await Sink().OpenAsync(Partition(1), default))).Message.ShouldContain("is damaged at byte");
    }

    [Fact]
    public async Task A_file_of_another_deployment_is_left_alone()
    {
        SinkPartition mine = Partition(1) with { Deployment = "mine" };
        await Sink().OpenAsync(mine, default);
        await Sink().WriteAsync(Batch(1, -1, 2) with { Partition = mine }, default);
        (await Sink().OpenAsync(mine with { OwnershipEpoch = 2 }, default)).ShouldBe(new Offset(1, 2));
        (await Should.ThrowAsync<InvalidDataException>(async () => await Sink().OpenAsync(Partition(2) with { Deployment = "other" }, default)))
            .Message.ShouldContain("was written by another deployment");
        (await Sink().OpenAsync(Partition(2), default)).ShouldBe(new Offset(1, 2));
        File.ReadAllText(Data).ShouldBe(Lines(0, 2));
    }

    [Fact]
    public void The_position_record_is_pinned()
    {
        byte[] bytes = new byte[PositionRecord.Size];
        new PositionRecord(3, new Offset(2, 1), 300, 0x01020304).Write(bytes);
        Convert.ToHexString(bytes).ShouldBe("4F5350310300000001000000000200002C01000000000000040302014D779F49");
        PositionRecord.TryRead(bytes).ShouldBe(new PositionRecord(3, new Offset(2, 1), 300, 0x01020304));
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            PositionRecord.TryRead(bytes).ShouldBeNull();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public async Task The_position_file_does_not_grow_for_ever()
    {
        JsonLinesSink<Report> sink = Sink();
        await sink.OpenAsync(Partition(1), default);
        byte[] record = new byte[PositionRecord.Size];
        new PositionRecord(1, Offset.None, 0, 0).Write(record);
        File.WriteAllBytes(Positions, [.. Enumerable.Repeat(record, (int)(PositionLog.CompactAt / record.Length) - 1).SelectMany(r => r)]);
        await sink.WriteAsync(Batch(1, -1, 2), default);
        new FileInfo(Positions).Length.ShouldBe(PositionRecord.Size);
        await ContinueAsync(expectedFrom: 2);
    }

    [Fact]
    public async Task A_crash_within_compaction_keeps_the_position()
    {
        JsonLinesSink<Report> sink = Sink();
        await CommitAsync(sink);
        byte[] data = File.ReadAllBytes(Data);
        byte[] positions = File.ReadAllBytes(Positions);
        byte[] last = positions[^PositionRecord.Size..];
        for (int copied = 0; copied <= last.Length; copied++)
        {
            byte[] torn = [.. positions];
            last.AsSpan(0, copied).CopyTo(torn);
            File.WriteAllBytes(Positions, torn);
            File.WriteAllBytes(Data, data);
            await ContinueAsync(expectedFrom: 2);
        }
    }

    [Fact]
    public async Task A_failed_write_commits_nothing()
    {
        JsonLinesSink<double> sink = new(_folder["numbers"]);
        SinkPartition partition = new("s", "numbers", 0, 1);
        await sink.OpenAsync(partition, default);
        await sink.WriteAsync(new(partition, Offset.None, new(1, 0), [new(1.5, new(1, 0), "a", default)]), default);
        await Should.ThrowAsync<ArgumentException>(async () => await sink.WriteAsync(
            new(partition, new(1, 0), new(1, 2), [new(2.5, new(1, 1), "b", default), new(double.NaN, new(1, 2), "c", default)]), default));
        (await sink.OpenAsync(partition, default)).ShouldBe(new Offset(1, 0));
        File.ReadAllText(_folder["numbers/numbers-0.jsonl"]).ShouldBe("1.5\n");
    }

    [Fact]
    public async Task A_full_disk_is_an_error_that_commits_nothing()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs a device that is always full");
        JsonLinesSink<Report> sink = Sink();
        await sink.OpenAsync(Partition(1), default);
        File.CreateSymbolicLink(Data, "/dev/full");
        await Should.ThrowAsync<IOException>(async () => await sink.WriteAsync(Batch(1, -1, 2), default));
        File.Delete(Data);
        (await sink.OpenAsync(Partition(1), default)).ShouldBe(Offset.None);
        await sink.WriteAsync(Batch(1, -1, 2), default);
        File.ReadAllText(Data).ShouldBe(Lines(0, 2));
    }

    [Fact]
    public async Task Owners_that_race_never_mix_their_lines()
    {
        await Sink().OpenAsync(Partition(1), default);
        Task[] owners = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            JsonLinesSink<Report> sink = Sink();
            while ((await sink.OpenAsync(Partition(1), default))!.Value is { Number: < 30 } at)
            {
                try
                {
                    await sink.WriteAsync(Batch(1, at.Number, at.Number + 1), default);
                }
                catch (SinkFencedException)
                {
                    // another was faster
                }
            }
        }))];
        await Task.WhenAll(owners);
        File.ReadAllText(Data).ShouldBe(Lines(0, 30));
    }

    private JsonLinesSink<Report> Sink() => new(_folder["out"]);

    private async Task CommitAsync(JsonLinesSink<Report> sink)
    {
        await sink.OpenAsync(Partition(1), default);
        await sink.WriteAsync(Batch(1, -1, 1), default);
        await sink.WriteAsync(Batch(1, 1, 2), default);
    }

    private async Task ContinueAsync(long expectedFrom)
    {
        JsonLinesSink<Report> sink = Sink();
        (await sink.OpenAsync(Partition(2), default)).ShouldBe(new Offset(1, expectedFrom));
        File.ReadAllText(Data).ShouldBe(Lines(0, expectedFrom));
        await sink.WriteAsync(Batch(2, expectedFrom, 6), default);
        await sink.WriteAsync(Batch(2, 6, 7), default);
        File.ReadAllText(Data).ShouldBe(Lines(0, 7));
    }

    private static SinkPartition Partition(int epoch) => new("sink", "reports", 3, epoch);

    // Offsets of the first epoch throughout: what the sink does not look at is which epoch an event is from.
    private static SinkBatch<Report> Batch(int epoch, long from, long to) => new(
        Partition(epoch),
        from < 0 ? Offset.None : new Offset(1, from),
        new Offset(1, to),
        [.. Enumerable.Range((int)from + 1, (int)(to - from)).Where(i => i > 0 || from < 0).Select(i => new SinkEvent<Report>(ReportOf(i), new Offset(1, i), $"n{i}", default))]);

    private static Report ReportOf(long number) => new("A" + number, number);

    /// <summary>The lines of the events up to and with a number.</summary>
    private static string Lines(long first, long last)
    {
        string lines = "";
        for (long i = first; i <= last; i++)
        {
            lines += $"{{\"airport\":\"A{i}\",\"mean\":{i}}}\n";
        }

        return lines;
    }
}
