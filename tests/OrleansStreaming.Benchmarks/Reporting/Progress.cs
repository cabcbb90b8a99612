using System.Globalization;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>Progress of long work: a bar on a terminal, a line per step when the output goes elsewhere.</summary>
internal static class Progress
{
    private static readonly bool IsLive = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Interactive: true, Ansi: true };

    /// <summary>Shows how far something is while it runs.</summary>
    /// <param name="step">What it is.</param>
    /// <param name="total">How much there is to do.</param>
    /// <param name="done">How much has been done; asked for from another thread.</param>
    /// <param name="work">Does it.</param>
    public static async Task<T> ShowAsync<T>(string step, double total, Func<double> done, Func<Task<T>> work)
    {
        if (!IsLive)
        {
            Console.WriteLine(step);
            return await work();
        }

        return await AnsiConsole.Progress().AutoClear(true).StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask(Markup.Escape(step), maxValue: Math.Max(1, total));
            Task<T> running = Task.Run(work);
            while (await Task.WhenAny(running, Task.Delay(250)) != running)
            {
                bar.Value = done();
            }

            return await running;
        });
    }

    public static void Note(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
