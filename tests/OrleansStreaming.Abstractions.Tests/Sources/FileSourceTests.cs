using System.Text;

namespace OrleansStreaming.Abstractions.Tests.Sources;

public sealed class FileSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""[{"origin":"A","delay":1},{"origin":"B","delay":2}]""")]
    [InlineData(" \n[ {\"origin\":\"A\",\"delay\":1}\n ,\t{\"origin\":\"B\",\r\n\"delay\":2} ] \n")]
    [InlineData("\uFEFF[{\"origin\":\"A\",\"delay\":1},{\"origin\":\"B\",\"delay\":2}]")]
    [InlineData("{\"origin\":\"A\",\"delay\":1}\n{\"origin\":\"B\",\"delay\":2}")]
    [InlineData("\n{\"origin\":\"A\",\"delay\":1}\r\n \n{\"origin\":\"B\",\"delay\":2}\r\n\n")]
    [InlineData("\uFEFF{\"origin\":\"A\",\"delay\":1}\n{\"origin\":\"B\",\"delay\":2}\n")]
    public async Task Reads_an_array_or_lines(string text)
    {
        (await ReadAsync<Flight>(text)).ShouldBe([new(0, new Flight("A", 1)), new(1, new Flight("B", 2))]);
        (await ReadAsync<Flight>(text, after: 0)).ShouldBe([new(1, new Flight("B", 2))]);
        (await ReadAsync<Flight>(text, after: 1)).ShouldBeEmpty();
        await Should.ThrowAsync<InvalidDataException>(() => ReadAsync<Flight>(text, after: 2));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t")]
    [InlineData("[]")]
    [InlineData(" [ \n ] ")]
    [InlineData("\uFEFF")]
    public async Task Nothing_gives_nothing(string text) => (await ReadAsync<Flight>(text)).ShouldBeEmpty();

    [Theory]
    [InlineData("[1, 23 ,456]")]
    [InlineData("1\n23\n456")]
    public async Task Values_may_be_numbers(string text) =>
        (await ReadAsync<int>(text)).Select(e => e.Event).ShouldBe([1, 23, 456]);

    [Theory]
    [InlineData("[1,x]", 1, 3)]
    [InlineData("[1 2]", 1, 3)]
    [InlineData("[,1]", 0, 1)]
    [InlineData("[1,]", 1, 3)]
    [InlineData("[1", 0, 2)]
    [InlineData("[1,", 1, 3)]
    [InlineData("[", 0, 1)]
    [InlineData("[1] 2", 1, 4)]
    [InlineData("[1,null]", 1, 7)]
    [InlineData("[1,\n\"a\"]", 1, 7)]
    [InlineData("1\nx\n3", 1, 2)]
    [InlineData("1\n2 3\n", 1, 4)]
    [InlineData("1\n\"a", 1, 4)]
    [InlineData("1\nnull", 1, 6)]
    [InlineData("[1,{\"a\":]", 1, 8)]
    public async Task Bad_input_is_named_with_its_place(string text, int element, int at)
    {
        FormatException e = await Should.ThrowAsync<FormatException>(() => ReadAsync<int>(text));
        e.Message.ShouldStartWith($"{_folder["events.json"]}: element {element} is malformed at byte {at}: ");
    }

    [Fact]
    public async Task Null_is_not_an_event() =>
        (await Should.ThrowAsync<FormatException>(() => ReadAsync<Flight>("[null]"))).Message.ShouldEndWith("element 0 is malformed at byte 1: null is not an event");

    [Fact]
    public async Task Events_before_a_bad_one_are_read()
    {
        File.WriteAllText(_folder["events.json"], "1\n2\nx\n");
        List<int> read = [];
        await Should.ThrowAsync<FormatException>(async () =>
        {
            await foreach (SourceEvent<int> e in new FileSource<int>(_folder["events.json"]).ReadAsync(-1, default))
            {
                read.Add(e.Event);
            }
        });
        read.ShouldBe([1, 2]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Large_files_and_long_events_cross_every_buffer(bool array)
    {
        Random random = new(5);
        Flight[] flights = [.. Enumerable.Range(0, 3000).Select(i => new Flight(new string((char)('a' + (i % 26)), i % 500 == 7 ? 300_000 : random.Next(1, 300)), i))];
        StringBuilder text = new();
        foreach (Flight flight in flights)
        {
            text.Append(text.Length == 0 ? (array ? "[" : "") : array ? "," : "\n").Append($"{{\"origin\":\"{flight.Origin}\",\"delay\":{flight.Delay}}}");
        }

        (await ReadAsync<Flight>(text + (array ? "]" : "\n"))).Select(e => e.Event).ShouldBe(flights);
        (await ReadAsync<Flight>(text + (array ? "]" : "\n"), after: 2990)).Select(e => e.Position).ShouldBe([2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999]);
    }

    [Fact]
    public async Task Any_truncation_of_an_array_is_noticed()
    {
        const string Text = """[{"origin":"A","delay":1},{"origin":"B","delay":2}]""";
        for (int length = 1; length < Text.Length; length++)
        {
            await Should.ThrowAsync<FormatException>(() => ReadAsync<Flight>(Text[..length]), $"cut at {length}");
        }
    }

    [Fact]
    public async Task The_pace_is_asked_before_every_event()
    {
        File.WriteAllText(_folder["events.json"], "[1,2,3]");
        int asked = 0;
        FileSource<int> source = new(_folder["events.json"], _ =>
        {
            asked++;
            return default;
        });
        await foreach (SourceEvent<int> e in source.ReadAsync(0, default))
        {
            e.Event.ShouldBe(asked + 1);
        }

        asked.ShouldBe(2);
    }

    [Fact]
    public async Task A_missing_file_is_named() =>
        (await Should.ThrowAsync<FileNotFoundException>(async () =>
        {
            await foreach (SourceEvent<int> _ in new FileSource<int>(_folder["none.json"]).ReadAsync(-1, default))
            {
            }
        })).FileName.ShouldBe(_folder["none.json"]);

    [Fact]
    public async Task Endless_elements_are_refused()
    {
        using JsonElements elements = new(new Endless(), "endless");
        FormatException e = await Should.ThrowAsync<FormatException>(async () => await elements.MoveNextAsync(default));
        e.Message.ShouldBe($"endless: element 0 is malformed at byte 0: it is longer than {JsonElements.MaxElementBytes} bytes");
    }

    private async Task<List<SourceEvent<T>>> ReadAsync<T>(string text, long after = -1)
    {
        File.WriteAllText(_folder["events.json"], text);
        List<SourceEvent<T>> events = [];
        await foreach (SourceEvent<T> e in new FileSource<T>(_folder["events.json"]).ReadAsync(after, default))
        {
            events.Add(e);
        }

        return events;
    }

    private sealed class Endless : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'1');
            return new(buffer.Length);
        }
    }
}
