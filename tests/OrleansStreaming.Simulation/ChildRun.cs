using System.Diagnostics;

/// <summary>
/// This program again, in a process of its own with a rule broken. It ends with this process, however that ends: its
/// standard input is a pipe of this process.
/// </summary>
internal static class ChildRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly Lazy<CancellationTokenSource> Interrupted = new(() =>
    {
        var source = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            source.Cancel();
        };
        return source;
    });

    /// <summary>Cancelled when somebody presses Ctrl-C; this process then stops its children and ends by itself.</summary>
    public static CancellationToken Stopping => Interrupted.Value.Token;

    /// <summary>Runs until something fails.</summary>
    /// <param name="arguments">What to run.</param>
    /// <returns>The first failure, or null when there was none in the time that a child has.</returns>
    public static async Task<FoundFailure?> FirstFailureAsync(params string[] arguments)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stopping);
        limit.CancelAfter(Limit);
        using Process child = Process.Start(StartInfo(arguments))!;
        try
        {
            while (await child.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (FoundFailure.TryParse(line) is { } failure)
                {
                    return failure;
                }
            }

            return null;
        }
        catch (OperationCanceledException) when (!Stopping.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            child.Kill(entireProcessTree: true);
        }
    }

    /// <summary>In the child: ends it when the parent has gone.</summary>
    public static void EndWithParent() => new Thread(() =>
    {
        while (Console.In.Read() >= 0)
        {
        }

        Environment.Exit(3);
    }) { IsBackground = true }.Start();

    private static ProcessStartInfo StartInfo(string[] arguments)
    {
        string self = Environment.ProcessPath!;
        var info = new ProcessStartInfo(self) { RedirectStandardInput = true, RedirectStandardOutput = true };
        IEnumerable<string> first = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [Environment.GetCommandLineArgs()[0], "--child"] : ["--child"];
        foreach (string argument in first.Concat(arguments))
        {
            info.ArgumentList.Add(argument);
        }

        return info;
    }
}
