using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace OrleansStreaming.Core;

/// <summary>Asks the processor to fetch memory that will be needed soon. Only a hint: wherever it points, nothing can go wrong.</summary>
internal static unsafe class Memory
{
    /// <summary>So many objects are fetched at once where many are gone through: more would push out the first before it is looked at.</summary>
    public const int FetchedAhead = 32;

    /// <summary>Fetches the cache line that a reference points to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(ref readonly T location)
    {
        if (Sse.IsSupported)
        {
            // The collector may move what it points to at any time: then the wrong line is fetched, which costs only time.
            Sse.Prefetch0(Unsafe.AsPointer(in location));
        }
    }

    /// <summary>Fetches the lines that hold the first bytes of an object: objects do not begin where lines do.</summary>
    /// <param name="instance">The object.</param>
    /// <param name="bytes">How many bytes from its first field on.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(object instance, int bytes)
    {
        if (Sse.IsSupported)
        {
            byte* start = (byte*)*(void**)Unsafe.AsPointer(ref instance);
            byte* last = start + bytes - 1;
            for (byte* at = start; at < last; at += 64)
            {
                Sse.Prefetch0(at);
            }

            Sse.Prefetch0(last);
        }
    }
}
