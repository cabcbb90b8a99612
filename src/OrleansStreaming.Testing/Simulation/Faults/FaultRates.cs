namespace OrleansStreaming.Testing.Simulation;

/// <summary>How often what happens, as weights against each other, or in a thousand where it is a chance.</summary>
internal sealed record FaultRates
{
    public int Step { get; init; } = 100;

    public int Deliver { get; init; } = 100;

    public int Storage { get; init; } = 120;

    /// <summary>Appends go slower than the rest, so that more is at stake.</summary>
    public int Append { get; init; } = 100;

    /// <summary>Sinks and calls.</summary>
    public int Outside { get; init; } = 60;

    public int Complete { get; init; } = 120;

    public int Turn { get; init; } = 30;

    public int Time { get; init; } = 40;

    public int Ingest { get; init; } = 40;

    public int Read { get; init; } = 3;

    public int Kill { get; init; }

    public int Zombie { get; init; }

    public int Restart { get; init; } = 10;

    public int View { get; init; } = 20;

    public int Replan { get; init; }

    public int Shutdown { get; init; }

    /// <summary>Chance that what a dead silo had asked for does not happen any more.</summary>
    public int LoseRequests { get; init; }

    /// <summary>Chance of a message to be lost, repeated or taken out of order.</summary>
    public int Lose { get; init; }

    public int Repeat { get; init; }

    public int Reorder { get; init; }

    /// <summary>Chance of an announcement of seals to be lost.</summary>
    public int LoseSeals { get; init; }

    /// <summary>Chance that what a certain silo sends stays on its way a little longer.</summary>
    public int Slow { get; init; }

    /// <summary>The number of that silo.</summary>
    public int SlowSilo { get; init; }

    /// <summary>Chance of a storage operation to fail: before it took effect, or after.</summary>
    public int StorageError { get; init; }

    /// <summary>Chance of an append to fail, which stops a silo.</summary>
    public int AppendError { get; init; }

    public int StorageFull { get; init; }

    public int SinkError { get; init; }

    public int CallError { get; init; }

    public int WallJump { get; init; }

    /// <summary>The longest step of time, milliseconds.</summary>
    public int MaxStepMs { get; init; } = 20;

    public int MaxCrashes { get; init; }

    public int MaxIngests { get; init; }

    public static FaultRates Draw(SimulationRandom random, string mix)
    {
        bool crashes = mix == "crashes";
        return new FaultRates
        {
            Step = random.Pick(60, 100, 200),
            Deliver = random.Pick(30, 100, 200),
            Storage = random.Pick(40, 120, 200),
            Append = crashes ? random.Pick(2, 5, 15, 40) : random.Pick(5, 15, 40, 120),
            Outside = random.Pick(5, 40, 100),
            Complete = random.Pick(30, 120, 200),
            Turn = random.Pick(2, 5, 30, 100),
            Time = random.Pick(10, 40, 100),
            Ingest = random.Pick(20, 60, 120, 200),
            Kill = mix == "calm" ? 0 : crashes ? 12 : random.Pick(0, 2, 5),
            Zombie = mix == "calm" ? 0 : crashes ? 6 : random.Pick(0, 0, 2, 4),
            Restart = random.Pick(3, 15, 40),
            View = random.Pick(5, 20, 60),
            Replan = mix == "moves" ? 8 : random.Pick(0, 0, 2),
            Shutdown = mix == "moves" ? 4 : random.Pick(0, 0, 1),
            LoseRequests = random.Pick(200, 500, 1000),
            LoseSeals = random.Pick(0, 0, 1000),
            Slow = random.Pick(0, 0, 950, 990),
            SlowSilo = random.Below(4),
            Lose = random.Pick(0, 0, 20, 100),
            Repeat = random.Pick(0, 0, 20, 100),
            Reorder = random.Pick(0, 100, 500),
            StorageError = random.Pick(0, 0, 10, 50),
            AppendError = random.Pick(0, 0, 2),
            StorageFull = random.Pick(0, 0, 10),
            SinkError = random.Pick(0, 0, 50, 200),
            CallError = random.Pick(0, 100, 300),
            WallJump = random.Pick(0, 0, 5),
            MaxStepMs = random.Pick(4, 20, 100),
            MaxCrashes = crashes ? 15 : random.Between(1, 8),
            MaxIngests = random.Pick(50, 150, 300, 500),
        };
    }
}
