namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>How often requests are disturbed, in a thousand each.</summary>
internal sealed record FaultRates
{
    /// <summary>The service answers 409 to a change, and has done nothing. What it is no conflict of, the storage gives up.</summary>
    public int Conflict { get; init; }

    /// <summary>It is done, a proxy sends it again, and the repeat hears that its condition does not hold: 412, 409 or 404.</summary>
    public int SentTwice { get; init; }

    /// <summary>The service answers 429, and has done nothing.</summary>
    public int TooMany { get; init; }

    /// <summary>The service answers 500, and has done it or not.</summary>
    public int Error { get; init; }

    /// <summary>The service answers 503, and has done nothing.</summary>
    public int Busy { get; init; }

    /// <summary>The request is never sent, and never answered.</summary>
    public int TimeoutBefore { get; init; }

    /// <summary>The request takes effect, and is never answered.</summary>
    public int TimeoutAfter { get; init; }

    /// <summary>The connection breaks before the request is sent.</summary>
    public int DropBefore { get; init; }

    /// <summary>The request takes effect, and the connection breaks.</summary>
    public int DropAfter { get; init; }

    /// <summary>The connection breaks in the middle of the answer's body.</summary>
    public int DropBody { get; init; }

    /// <summary>The answer's body comes slowly, in small pieces.</summary>
    public int SlowBody { get; init; }

    /// <summary>The connection breaks; what was sent arrives later, when its sender has gone on.</summary>
    public int Late { get; init; }

    /// <summary>A bad hour: about one request in seven.</summary>
    public static FaultRates BadHour { get; } = new()
    {
        Conflict = 1,
        SentTwice = 15,
        TooMany = 15,
        Error = 25,
        Busy = 20,
        TimeoutBefore = 3,
        TimeoutAfter = 5,
        DropBefore = 12,
        DropAfter = 15,
        DropBody = 15,
        SlowBody = 10,
        Late = 8,
    };

    /// <summary>All, by name.</summary>
    public IEnumerable<(string Name, int Rate)> ToList() =>
    [
        (nameof(Conflict), Conflict), (nameof(SentTwice), SentTwice), (nameof(TooMany), TooMany), (nameof(Error), Error), (nameof(Busy), Busy), (nameof(TimeoutBefore), TimeoutBefore),
        (nameof(TimeoutAfter), TimeoutAfter), (nameof(DropBefore), DropBefore), (nameof(DropAfter), DropAfter), (nameof(DropBody), DropBody), (nameof(SlowBody), SlowBody), (nameof(Late), Late),
    ];
}
