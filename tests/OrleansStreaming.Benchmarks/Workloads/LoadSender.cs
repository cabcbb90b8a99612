using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>
/// The other process of a measurement of latency: writes events to its standard output at a steady rate, whether or not
/// earlier ones have come through. It shares nothing with the engine but the machine, so what holds the engine up does not
/// hold it up.
/// </summary>
internal static class LoadSender
{
    /// <summary>Between two writes; those that are due in between go out together.</summary>
    private const int SendEveryMicros = 100;
    private const int MostAtOnce = 512;

    /// <summary>The command by which <see cref="SentLoad"/> starts it; for nobody else.</summary>
    public const string Name = "send";

    public static Command Command()
    {
        Option<int> rate = CommonOptions.Number("--rate", "N", "Events a second", 1, 1, int.MaxValue);
        Option<int> events = CommonOptions.Number("--events", "N", "How many", 1, 1, int.MaxValue);
        Option<int> keys = CommonOptions.Number("--keys", "N", "Different keys", 1, 1, int.MaxValue);
        Option<int> seed = CommonOptions.Number("--seed", "S", "What keys are drawn from", 1, 0, int.MaxValue);
        Command command = new(Name, "Writes the events of 'latency' to standard output") { rate, events, keys, seed };
        command.Hidden = true;
        command.SetAction(parsed => Send(parsed.GetValue(rate), parsed.GetValue(events), parsed.GetValue(keys), parsed.GetValue(seed)));
        return command;
    }

    private static void Send(int rate, int events, int keys, int seed)
    {
        using Stream output = Console.OpenStandardOutput();
        Native.SharpenTimers();
        Native.ComeFirst(); // As if it were on a machine of its own: what it waits for a processor is not the engine's latency.
        var random = new Random(seed);
        var batch = new Stamped[MostAtOnce];
        double ticksPerEvent = (double)Stopwatch.Frequency / rate;
        long ticksPerSend = Stopwatch.Frequency * SendEveryMicros / 1_000_000;
        long start = Stopwatch.GetTimestamp(), sent = 0;
        while (sent < events)
        {
            long now = Stopwatch.GetTimestamp();
            int due = (int)Math.Min(Math.Min(events, 1 + (long)((now - start) / ticksPerEvent)) - sent, MostAtOnce);
            for (int i = 0; i < due; i++, sent++)
            {
                batch[i] = new Stamped { Key = random.Next(keys), Number = sent, Due = start + (long)(sent * ticksPerEvent), Sent = now };
            }

            if (due > 0)
            {
                output.Write(MemoryMarshal.AsBytes(batch.AsSpan(0, due)));
            }

            // To the next of fixed moments, so that a late send does not delay those after it.
            now = Stopwatch.GetTimestamp();
            Native.SleepMicros((int)((ticksPerSend - ((now - start) % ticksPerSend)) * 1_000_000 / Stopwatch.Frequency));
        }
    }
}
