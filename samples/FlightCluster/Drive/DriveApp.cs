using System.Diagnostics;
using System.Globalization;
using OrleansStreaming;

namespace FlightCluster.Drive;

/// <summary>The story: three silos, 20,000 flights, a disturbance in the middle, and what came out.</summary>
internal static class DriveApp
{
    private const int Wrong = 1;
    private const int Interrupted = 130;
    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string[] args)
    {
        if (DriveOptions.Parse(args, out int exitCode) is not { } options)
        {
            return exitCode;
        }

        using var interruption = new Interruption();
        using var folders = new Folders(options.Data);
        try
        {
            return await RunAsync(options, folders, interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            Console.WriteLine("Stopped before the end.");
            return Interrupted;
        }
        catch
        {
            folders.Keep = true;
            throw;
        }
    }

    private static async Task<int> RunAsync(DriveOptions options, Folders folders, CancellationToken cancellationToken)
    {
        string file = options.Input ?? await FlightData.FindOrInstallAsync(Console.WriteLine, cancellationToken);
        Expectation expectation = await Expectation.ReadAsync(file, cancellationToken);
        var timeline = new Timeline();
        await using BlobAccount storage = await BlobAccount.OpenAsync(options, folders, cancellationToken);
        timeline.Say($"state in {storage.Description}, everything else in {folders.Root}");
        await using var cluster = new Cluster(storage, folders, timeline);
        await cluster.StartAsync(cancellationToken);

        Disturbed disturbed = await FeedAsync(options, expectation, cluster, timeline, cancellationToken);
        var results = new Results(cluster, folders);
        using var digest = new StateDigest();
        digest.Add(nameof(AirportDelays), await results.StatesAsync(nameof(AirportDelays), expectation.Airports, cancellationToken));
        digest.Add(nameof(RouteDelays), await results.StatesAsync(nameof(RouteDelays), expectation.Routes, cancellationToken));
        string found = digest.Take();
        timeline.Say("all flights are counted, by airport and by route");
        await results.CheckReportsAsync(expectation, cancellationToken);
        timeline.Say($"{expectation.Flights.Count:N0} reports are in {folders.Reports}, each once");
        IReadOnlyList<Rollback> rollbacks = await results.RollbacksAsync(disturbed.Killed, cancellationToken);

        long stopping = Stopwatch.GetTimestamp();
        if (!await cluster.StopAsync())
        {
            throw new UserException("A silo did not stop in good order.");
        }

        timeline.Say($"all silos have stopped in good order, in {Stopwatch.GetElapsedTime(stopping).TotalSeconds:0.0} s");
        Console.WriteLine();
        Tell(disturbed, rollbacks);
        Console.WriteLine($"digest: {found}");
        if (found != expectation.Digest)
        {
            folders.Keep = true;
            Console.WriteLine($"WRONG: a plain loop over the file gives {expectation.Digest}");
            return Wrong;
        }

        Console.WriteLine("        a plain loop over the file gives the same");
        return 0;
    }

    private static async Task<Disturbed> FeedAsync(DriveOptions options, Expectation expectation, Cluster cluster, Timeline timeline, CancellationToken cancellationToken)
    {
        var course = new Course(expectation.Flights.Count, options.Disturbance switch { Disturbance.Kill => 1, Disturbance.Restart => Cluster.Size, _ => 0 });
        var feeder = new Feeder(cluster, expectation.Flights, options.Rate, course);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task feeding = feeder.RunAsync(end.Token);
        Task<Disturbed> disturbing = DisturbAsync(options.Disturbance, course, () => feeder.Durable, cluster, end.Token);
        Task all = Task.WhenAll(feeding, disturbing);
        try
        {
            while (await Task.WhenAny(all, feeding.IsFaulted ? feeding : all, disturbing.IsFaulted ? disturbing : all, Task.Delay(Progress, cancellationToken)) is var first && first != all)
            {
                await first; // A failure of one ends the other.
                cancellationToken.ThrowIfCancellationRequested();
                timeline.Say($"{feeder.Durable:N0} of {expectation.Flights.Count:N0} flights are durable");
            }

            await all;
        }
        finally
        {
            await end.CancelAsync();
            await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        timeline.Say($"{feeder.Durable:N0} of {expectation.Flights.Count:N0} flights are durable; {feeder.Repeated:N0} requests had to be sent again, the longest took {feeder.Longest.TotalSeconds:0.0} s");
        return await disturbing;
    }

    private static async Task<Disturbed> DisturbAsync(Disturbance what, Course course, Func<int> durable, Cluster cluster, CancellationToken cancellationToken)
    {
        var disturbed = new Disturbed(null, default);
        for (int step = 0; step < course.Steps; step++)
        {
            await course.WhenDueAsync(step, durable, cancellationToken);
            if (what == Disturbance.Kill)
            {
                (string silo, DateTimeOffset at) = await cluster.KillAsync();
                disturbed = new Disturbed(silo, at);
                course.Over(step);
                await cluster.AddAsync(cancellationToken);
            }
            else
            {
                await cluster.RestartAsync(cancellationToken);
                course.Over(step);
            }
        }

        return disturbed;
    }

    private static void Tell(Disturbed disturbed, IReadOnlyList<Rollback> rollbacks)
    {
        foreach (Rollback rollback in rollbacks.Where(r => r.Silo == disturbed.Killed))
        {
            double declared = (rollback.Time - disturbed.At).TotalSeconds;
            Console.WriteLine($"{rollback.Silo} was killed at {disturbed.At:HH:mm:ss}: declared dead after {declared:0.0} s, all recovered {rollback.RecoveredMs:N0} ms later");
            Console.WriteLine(BlastRadius.Describe(rollback));
        }

        Console.WriteLine($"{rollbacks.Sum(r => r.RolledBackGrains):N0} grains rolled back");
    }

    /// <summary>What was done to the cluster.</summary>
    /// <param name="Killed">The silo that was killed, if any.</param>
    /// <param name="At">When.</param>
    private sealed record Disturbed(string? Killed, DateTimeOffset At);
}
