namespace OrleansStreaming.Core;

/// <summary>
/// Small objects that one of many grains or blocks needs for a moment, to be used again by the next. New ones would each be
/// referred to by an object that is old, and make the collector look at it and its neighbours: with a million grains, for
/// thousands of them in each collection. Each thread has its own.
/// </summary>
internal static class Spares<T>
    where T : class
{
    private const int Most = 1 << 14;

    [ThreadStatic]
    private static Stack<T>? _spares;

    public static T? TryTake() => _spares is { } spares && spares.TryPop(out T? spare) ? spare : null;

    /// <summary>Nobody refers to it any more.</summary>
    public static void Give(T spare)
    {
        Stack<T> spares = _spares ??= new Stack<T>();
        if (spares.Count < Most)
        {
            spares.Push(spare);
        }
    }
}
