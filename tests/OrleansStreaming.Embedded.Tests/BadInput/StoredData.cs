using System.Diagnostics;

namespace OrleansStreaming.Embedded.Tests.BadInput;

/// <summary>Reaches into the files of a storage that nobody has open.</summary>
internal static class StoredData
{
    public static string Record(string folder, string name) =>
        Directory.EnumerateFiles(Path.Combine(folder, "records")).Single(f => Path.GetFileName(f) == Uri.EscapeDataString(name));

    /// <summary>The segments of all journals that hold something, in the order of their journals and frames.</summary>
    public static string[] Segments(string folder) =>
        [.. Directory.EnumerateFiles(Path.Combine(folder, "journals"), "*.seg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Flips a bit in the middle of what was written into a file; returns what undoes it.</summary>
    public static Action Damage(string file)
    {
        byte[] before = File.ReadAllBytes(file);
        byte[] after = [.. before];
        int at = Array.FindLastIndex(after, b => b != 0) / 2;
        after[at] ^= 0x10;
        File.WriteAllBytes(file, after);
        return () => PutBack(file, before);
    }

    /// <summary>Overwrites a file with rubbish; returns what undoes it.</summary>
    public static Action Overwrite(string file, byte[] rubbish)
    {
        byte[] before = File.ReadAllBytes(file);
        File.WriteAllBytes(file, rubbish);
        return () => PutBack(file, before);
    }

    /// <summary>In one step: the engine runs, and must not find half a file.</summary>
    private static void PutBack(string file, byte[] content)
    {
        File.WriteAllBytes(file + ".back", content);
        File.Move(file + ".back", file, overwrite: true);
    }

    /// <summary>Takes a file away; returns what puts it back.</summary>
    public static Action Remove(string file)
    {
        File.Move(file, file + ".away");
        return () => File.Move(file + ".away", file);
    }

    /// <summary>Runs a command; false where there is none, or it is not permitted.</summary>
    public static bool Run(string command, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Waits until health names a problem.</summary>
    public static async Task<EngineHealth> UntilProblemAsync(TestApp app, params string[] parts)
    {
        EngineHealth health = await app.Engine.GetHealthAsync();
        await TestApp.UntilAsync(
            async () => (health = await app.Engine.GetHealthAsync()).Problems.Any(p => parts.All(p.Contains)), $"a problem with '{string.Join("', '", parts)}'");
        return health;
    }
}
