using System.Diagnostics;

namespace FlightCluster.Silo;

/// <summary>
/// Ties a silo to the process that has started it, on every system: the line <c>stop</c> on standard input stops it as
/// SIGTERM does, and the end of standard input, which comes when the owner is killed, ends it at once.
/// </summary>
internal static class Owner
{
    public const string Stop = "stop";

    public static void Follow(IHostApplicationLifetime lifetime)
    {
        var thread = new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                if (line == Stop)
                {
                    lifetime.StopApplication();
                }
            }

            using Process self = Process.GetCurrentProcess();
            self.Kill(); // Its storage ends with the owner too: there is nothing to stop for.
        })
        {
            IsBackground = true,
            Name = "owner",
        };
        thread.Start();
    }
}
