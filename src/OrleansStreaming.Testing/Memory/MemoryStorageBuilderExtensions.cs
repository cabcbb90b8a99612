using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming;

/// <summary>Chooses memory as storage.</summary>
public static class MemoryStorageBuilderExtensions
{
    /// <summary>Keeps everything in the memory of the process. For tests.</summary>
    /// <param name="builder">The topology.</param>
    /// <param name="storage">Outlives the engine, so that the next one can go on with it; without it, each engine begins with nothing.</param>
    public static StreamingBuilder UseMemory(this StreamingBuilder builder, InMemoryStorage? storage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<StorageFactory>((_, _) => ValueTask.FromResult<IStorage>(storage?.Share() ?? new InMemoryStorage()));
        return builder;
    }
}
