namespace OrleansStreaming.Storage.Files.Tests;

public sealed class FileNameTests
{
    public static TheoryData<string> Names =>
    [
        "silo0-7", "flights-3/4-17", "partitions/flights-3", ".", "..", ".hidden", "dot.", "a.b", "con", "nul.txt", "com1", "lpt9.x", "common",
        "Ä ö/ü", "ключ", "日本語/キー", "🙂", "a%b", "a~b", "UPPER", "upper", "tab\t", "nul\0", "back\\slash", ":*?\"<>|", " ",
        new string('x', 199), new string('x', 200), new string('x', 201), new string('é', 300), new string('/', 5000),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_name_is_valid_everywhere_and_leads_back_to_the_name(string name)
    {
        string fileName = FileNames.ToFileName(name);
        fileName.Length.ShouldBeInRange(1, 200);
        fileName.ShouldAllBe(c => char.IsAsciiLetterOrDigit(c) || c == '-' || c == '_' || c == '.' || c == '%' || c == '~');
        fileName.ShouldNotStartWith(".");
        fileName.ShouldNotEndWith(".");
        string? back = FileNames.TryFromFileName(fileName);
        (back ?? name).ShouldBe(name);
        (back is null).ShouldBe(fileName.Contains('~', StringComparison.Ordinal));
    }

    [Fact]
    public void Names_that_differ_have_files_that_differ_even_where_case_does_not_count()
    {
        string[] fileNames = [.. Names.Select(row => FileNames.ToFileName(row.Data))];
        fileNames.Distinct(StringComparer.OrdinalIgnoreCase).Count().ShouldBe(fileNames.Length);
        FileNames.ToFileName(new string('x', 400) + "a").ShouldNotBe(FileNames.ToFileName(new string('x', 400) + "b"));
    }

    [Fact]
    public void Impossible_names_are_refused()
    {
        Should.Throw<ArgumentException>(() => FileNames.ToFileName(""));
        Should.Throw<ArgumentException>(() => FileNames.ToFileName("\ud800"));
        Should.Throw<ArgumentException>(() => FileNames.ToFileName(new string('x', 70_000)));
    }
}
