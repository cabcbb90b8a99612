namespace OrleansStreaming.Testing.Simulation;

/// <summary>How often what happens: actions as weights against each other, faults in a thousand where they are a chance.</summary>
internal sealed record FaultRates
{
    // ---------- weights of actions

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

    public int Restart { get; init; } = 10;

    public int View { get; init; } = 20;

    public int Kill { get; init; }

    /// <summary>A silo that opens or moves a partition is killed soon.</summary>
    public int KillBusy { get; init; }

    public int DeclareDead { get; init; }

    public int Pause { get; init; }

    public int Replan { get; init; }

    public int Shutdown { get; init; }

    public int ShutdownAll { get; init; }

    public int RollingRestart { get; init; }

    public int NetworkCut { get; init; }

    public int SlowStorage { get; init; }

    public int ClockJump { get; init; }

    /// <summary>A cluster lets go of a grain that turns ran in.</summary>
    public int Unseat { get; init; }

    // ---------- chances in a thousand

    /// <summary>What a dead silo had asked for does not happen any more.</summary>
    public int LoseRequests { get; init; }

    public int Lose { get; init; }

    public int Repeat { get; init; }

    public int Reorder { get; init; }

    public int LoseSeals { get; init; }

    /// <summary>What a certain silo sends stays on its way a little longer.</summary>
    public int Delay { get; init; }

    /// <summary>The number of that silo.</summary>
    public int DelayedSilo { get; init; }

    public int StorageError { get; init; }

    /// <summary>A swap fails though it takes effect later, when nobody expects it any more.</summary>
    public int LateSwap { get; init; }

    public int FailedFlush { get; init; }

    public int DiskFull { get; init; }

    public int FlippedBit { get; init; }

    public int ShortRead { get; init; }

    public int SinkError { get; init; }

    public int CallError { get; init; }

    /// <summary>A flaky operator throws.</summary>
    public int Throw { get; init; } = 60;

    // ---------- limits

    /// <summary>So often at most a flaky operator throws on one event.</summary>
    public int MaxThrows { get; init; } = 2;

    /// <summary>The longest step of time, milliseconds.</summary>
    public int MaxStepMs { get; init; } = 20;

    /// <summary>After this long, milliseconds, a silo that stands still is taken for dead.</summary>
    public int DetectMs { get; init; } = 50;

    public int MaxCrashes { get; init; }

    public int MaxIngests { get; init; }

    /// <summary>The most clients of a stream that is fed from outside; each waits for its answers.</summary>
    public int MaxClients { get; init; } = 4;

    /// <summary>The least that a silo must have to lose to be killed, mostly.</summary>
    public int KillAtUnflushed { get; init; } = 1;

    public static FaultRates Draw(SimulationRandom random, FaultMix mix)
    {
        bool calm = mix == FaultMix.Calm, crashes = mix == FaultMix.Crashes;
        var rates = new FaultRates
        {
            Step = random.Pick(60, 100, 200),
            Deliver = random.Pick(30, 100, 200),
            Storage = random.Pick(40, 120, 200),
            Append = crashes ? random.Pick(2, 5, 15, 40) : random.Pick(5, 15, 40, 120),
            Outside = random.Pick(5, 40, 100),
            Complete = random.Pick(30, 120, 200),
            Turn = random.Pick(2, 5, 30, 100),
            Time = random.Pick(10, 40, 100),
            Ingest = random.Pick(40, 80, 160),
            Restart = random.Pick(3, 15, 40),
            View = random.Pick(5, 20, 60),
            Kill = calm ? 0 : crashes ? 10 : random.Pick(0, 2, 5),
            KillBusy = calm ? 0 : crashes ? 6 : random.Pick(0, 2, 4),
            DeclareDead = calm ? 0 : crashes ? 6 : random.Pick(0, 0, 2, 4),
            Pause = calm ? 0 : random.Pick(0, 0, 2, 4),
            Replan = mix == FaultMix.Moves ? 8 : random.Pick(0, 0, 2),
            Shutdown = mix == FaultMix.Moves ? 4 : random.Pick(0, 0, 1),
            ShutdownAll = mix == FaultMix.Moves ? 1 : random.Pick(0, 0, 0, 1),
            RollingRestart = mix == FaultMix.Moves ? 2 : random.Pick(0, 0, 0, 1),
            NetworkCut = random.Pick(0, 0, 1, 3),
            SlowStorage = random.Pick(0, 0, 1, 3),
            ClockJump = random.Pick(0, 0, 5),
            Unseat = random.State % 3 == 0 ? 30 : 0, // Draws nothing, so that the rest stays as it was.
            LoseRequests = random.Pick(200, 500, 1000),
            Lose = random.Pick(0, 0, 20, 100),
            Repeat = random.Pick(0, 0, 20, 100),
            Reorder = random.Pick(0, 100, 500),
            LoseSeals = random.Pick(0, 0, 500, 1000),
            Delay = random.Pick(0, 0, 0, 950, 990),
            DelayedSilo = random.Below(4),
            StorageError = random.Pick(0, 0, 10, 50),
            FailedFlush = random.Pick(0, 0, 5, 20),
            DiskFull = random.Pick(0, 0, 10, 30),
            FlippedBit = random.Pick(0, 0, 10, 50),
            ShortRead = random.Pick(0, 0, 10, 50),
            SinkError = random.Pick(0, 0, 50, 200),
            CallError = random.Pick(0, 100, 300),
            MaxStepMs = random.Pick(4, 20, 100),
            DetectMs = random.Pick(10, 50, 200),
            MaxCrashes = crashes ? 15 : random.Between(1, 8),
            MaxIngests = random.Pick(50, 150, 300, 500),
        };
        return mix == FaultMix.Lag ? rates.Lagging(random) : rates;
    }

    /// <summary>
    /// Little is wrong but that flushes are slow, and then a silo dies with what others have long worked on. It recovers fast,
    /// so that this happens again and again.
    /// </summary>
    private FaultRates Lagging(SimulationRandom random) => this with
    {
        Step = 200,
        Deliver = 200,
        Storage = 200,
        Complete = 200,
        Turn = 60,
        Append = random.Pick(1, 3, 6),
        Time = 20,
        Ingest = 160,
        Restart = 40,
        View = 60,
        Kill = random.Pick(3, 6),
        KillBusy = 0,
        DeclareDead = random.Pick(0, 1),
        Pause = 0,
        Replan = 0,
        Shutdown = 0,
        ShutdownAll = 0,
        RollingRestart = 0,
        SlowStorage = 0,
        LoseRequests = 900,
        Lose = random.Pick(0, 20),
        LoseSeals = random.Pick(0, 500),
        Delay = 0,
        MaxCrashes = 15,
        MaxIngests = 500,
        MaxClients = 12,
        KillAtUnflushed = random.Pick(2, 6, 15),
    };
}

/// <summary>What a schedule stresses.</summary>
internal enum FaultMix
{
    Even,
    Crashes,

    /// <summary>Flushes are slow and the network is fast: much is consumed that is lost with the next crash.</summary>
    Lag,

    /// <summary>Checkpoints and trimming all the time: little is left in journals, and the tables of names do the work.</summary>
    Checkpoints,
    Moves,
    Calm,
}
