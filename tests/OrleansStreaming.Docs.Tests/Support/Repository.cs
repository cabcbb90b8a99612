using System.Text.RegularExpressions;

namespace OrleansStreaming.Docs.Tests;

/// <summary>The repository that this test was built from, and its pages.</summary>
internal static partial class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The README and everything in docs, with paths relative to the root.</summary>
    public static IReadOnlyList<Page> Pages { get; } =
        [.. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Order(StringComparer.Ordinal).Prepend(Path.Combine(Root, "README.md"))
            .Select(path => new Page(Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path).ReplaceLineEndings("\n")))];

    public static Page Page(string path) => Pages.Single(p => p.Path == path);

    /// <summary>All sources below a folder, without what a build wrote.</summary>
    public static string Sources(string folder) => string.Join('\n', SourceFiles(folder).Select(File.ReadAllText));

    public static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !BuildFolder().IsMatch(f))
            .Order(StringComparer.Ordinal);

    private static string FindRoot()
    {
        // Where the build wrote to need not be below the repository; where this file was compiled from is.
        foreach (string start in new[] { SourcePath(), AppContext.BaseDirectory, Directory.GetCurrentDirectory() })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "OrleansStreaming.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new InvalidOperationException("The tests of the documentation read the repository, and there is none around them.");
    }

    private static string SourcePath([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex(@"[/\\](bin|obj)[/\\]")]
    private static partial Regex BuildFolder();
}

/// <summary>A page of the documentation.</summary>
internal sealed partial record Page(string Path, string Text)
{
    /// <summary>The fenced blocks of a language, each with its lines and where it starts.</summary>
    public IEnumerable<Block> Blocks(string language)
    {
        string[] lines = Text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("```", StringComparison.Ordinal))
            {
                continue;
            }

            int end = Array.FindIndex(lines, i + 1, l => l.StartsWith("```", StringComparison.Ordinal));
            end.ShouldBeGreaterThan(i, $"{Path}:{i + 1} opens a block that nothing closes");
            if (lines[i][3..].Trim() == language)
            {
                yield return new Block($"{Path}:{i + 1}", lines[(i + 1)..end]);
            }

            i = end;
        }
    }

    /// <summary>The text without fenced blocks.</summary>
    public string Prose => Fenced().Replace(Text, string.Empty);

    /// <summary>The rows of the table that follows a heading; each row as its cells, without the head.</summary>
    public IReadOnlyList<string[]> Table(string heading)
    {
        string[] lines = Text.Split('\n');
        int start = Array.FindIndex(lines, l => l.TrimStart('#').Trim() == heading && l.StartsWith('#'));
        start.ShouldBeGreaterThanOrEqualTo(0, $"{Path} has no heading '{heading}'");
        int first = Array.FindIndex(lines, start, l => l.StartsWith('|'));
        first.ShouldBeGreaterThan(start, $"{Path}, '{heading}' has no table");
        return [.. lines.Skip(first + 2).TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim().Trim('|').Split('|').Select(c => c.Trim()).ToArray())];
    }

    [GeneratedRegex("^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();
}

/// <summary>A fenced block.</summary>
internal sealed record Block(string Where, IReadOnlyList<string> Lines);
