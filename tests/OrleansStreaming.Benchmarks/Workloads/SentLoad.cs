using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>Takes the events of a <see cref="LoadSender"/> from a pipe, as they come, and publishes them: the edge of the engine.</summary>
/// <param name="Rate">Events a second.</param>
/// <param name="Events">How many.</param>
/// <param name="Keys">Different keys.</param>
/// <param name="Seed">What keys are drawn from.</param>
internal sealed record SentLoad(int Rate, int Events, int Keys, int Seed)
{
    /// <summary>Starts a sender and publishes what it sends; returns when all is durable.</summary>
    /// <param name="engine">Takes the events.</param>
    /// <param name="stream">Their stream.</param>
    /// <param name="warmUp">So many are not counted.</param>
    /// <param name="warm">Called when they have come.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">The edge has refused events, or the sender has failed.</exception>
    public async Task PublishAsync(StreamingEngine engine, string stream, int warmUp, Action warm, CancellationToken cancellationToken)
    {
        using Process sender = Start();
        try
        {
            long taken = await Task.Factory.StartNew(() => TakeAsync(engine, stream, sender.StandardOutput.BaseStream, warmUp, warm, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
            if (taken != Events)
            {
                throw new InvalidOperationException($"The sender has ended after {taken} of {Events} events.");
            }
        }
        finally
        {
            sender.Kill();
        }
    }

    private Process Start()
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(SentLoad).Assembly.Location);
        }

        start.ArgumentList.Add(LoadSender.Name);
        foreach ((string option, int value) in new[] { ("--rate", Rate), ("--events", Events), ("--keys", Keys), ("--seed", Seed) })
        {
            start.ArgumentList.Add(option);
            start.ArgumentList.Add(value.ToString(CultureInfo.InvariantCulture));
        }

        return Process.Start(start)!;
    }

    /// <summary>On a thread of its own until the input ends, so that nothing else delays a read.</summary>
    private static async Task<long> TakeAsync(StreamingEngine engine, string stream, Stream input, int warmUp, Action warm, CancellationToken cancellationToken)
    {
        int size = Marshal.SizeOf<Stamped>(), have = 0, read;
        byte[] buffer = new byte[size * 1024];
        var batch = new Stamped[1024];
        long taken = 0;
        var publishing = new Queue<Task<IngestAnswer>>();
        while ((read = input.Read(buffer.AsSpan(have))) > 0)
        {
            have += read;
            int count = have / size;
            MemoryMarshal.Cast<byte, Stamped>(buffer.AsSpan(0, count * size)).CopyTo(batch);
            buffer.AsSpan(count * size, have - (count * size)).CopyTo(buffer);
            have -= count * size;
            if (taken <= warmUp && taken + count > warmUp)
            {
                warm();
            }

            taken += count;
            long now = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
            {
                batch[i].Published = now;
            }

            publishing.Enqueue(engine.PublishAsync(stream, batch.AsSpan(0, count), cancellationToken));
            while (publishing.TryPeek(out Task<IngestAnswer>? first) && first.IsCompleted)
            {
                Check(await publishing.Dequeue()); // Complete, so this goes on on the same thread.
            }
        }

        foreach (Task<IngestAnswer> answer in publishing)
        {
            Check(await answer);
        }

        return taken;
    }

    private static void Check(IngestAnswer answer)
    {
        if (answer.Outcome != IngestOutcome.Durable)
        {
            throw new InvalidOperationException("The edge refused events: so many a second are too many here.");
        }
    }
}
