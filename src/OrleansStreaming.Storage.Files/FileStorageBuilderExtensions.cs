using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming;

/// <summary>Chooses local files as storage.</summary>
public static class FileStorageBuilderExtensions
{
    /// <summary>Keeps journals, checkpoints and manifests in a folder of the local disk. One process at a time uses it.</summary>
    /// <param name="builder">The topology.</param>
    /// <param name="folder">The folder; made when it does not exist.</param>
    /// <param name="configure">How to use it.</param>
    public static StreamingBuilder UseFiles(this StreamingBuilder builder, string folder, Action<FileStorageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        builder.Services.AddSingleton<StorageFactory>((_, _) =>
        {
            var options = new FileStorageOptions();
            configure?.Invoke(options);
            return ValueTask.FromResult<IStorage>(FileStorage.Open(folder, options));
        });
        return builder;
    }
}
