namespace OrleansStreaming.Testing.Simulation;

/// <summary>What a drawn topology may have. Operators and streams then have each by chance.</summary>
internal sealed record TopologyFeatures
{
    public required int Partitions { get; init; }

    /// <summary>After this long without events a grain leaves memory.</summary>
    public int IdleMs { get; init; } = 100_000;

    /// <summary>How many grains of an operator a silo keeps; 0 for no limit.</summary>
    public int MaxResident { get; init; }

    /// <summary>Operators with a grain per key.</summary>
    public bool Hosted { get; init; }

    /// <summary>Of a thousand operators, those with an unmanaged state.</summary>
    public int Plain { get; init; } = 500;

    public bool Strict { get; init; }

    public bool TextKeys { get; init; }

    /// <summary>Streams of two types.</summary>
    public bool Alarms { get; init; }

    public bool Retention { get; init; }

    public bool Bursts { get; init; }

    public bool Skewed { get; init; }

    public bool Timers { get; init; }

    public bool Calls { get; init; }

    public bool Throws { get; init; }

    public bool Flaky { get; init; }

    public bool Async { get; init; }

    /// <summary>No operator leaves an event out: each tries again until it passes.</summary>
    public bool Retries { get; init; }

    public static TopologyFeatures Draw(SimulationRandom random) => new()
    {
        Partitions = random.Between(1, 3),
        IdleMs = random.Pick(20, 100, 100_000),
        Plain = random.Pick(0, 500, 1000),
        Strict = random.Chance(350),
        TextKeys = random.Chance(250),
        Alarms = random.Chance(250),
        Retention = random.Chance(200),
        Bursts = random.Chance(250),
        Skewed = random.Chance(250),
        Timers = random.Chance(350),
        Calls = random.Chance(300),
        Throws = random.Chance(300),
        Flaky = random.Chance(300),
        Async = random.Chance(400),
        MaxResident = random.Pick(0, 0, 0, 1, 3),
        Hosted = random.Chance(300),
    };
}
