using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace OrleansStreaming.Core;

/// <summary>Asks the processor to fetch memory that will be needed soon. Only a hint: wherever it points, nothing can go wrong.</summary>
internal static unsafe class Memory
{
    /// <summary>Fetches the cache line that a reference points to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(ref T location)
    {
        if (Sse.IsSupported)
        {
            // The collector may move what it points to at any time: then the wrong line is fetched, which costs only time.
            Sse.Prefetch0(Unsafe.AsPointer(ref location));
        }
    }

    /// <summary>Fetches the first lines of an object.</summary>
    /// <param name="instance">The object.</param>
    /// <param name="lines">How many lines of 64 bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(object instance, int lines)
    {
        if (Sse.IsSupported)
        {
            byte* start = (byte*)*(void**)Unsafe.AsPointer(ref instance);
            for (int i = 0; i < lines; i++)
            {
                Sse.Prefetch0(start + (i * 64));
            }
        }
    }
}
