using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>All that Core keeps in records and runs, as the files have it: checksums of the storage around formats with and without their own.</summary>
public sealed class StoredFormatTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("os-formats-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("manifest", 1)]
    [InlineData("manifest", 5)]
    [InlineData("cluster", 1)]
    [InlineData("cluster", 3)]
    public async Task Any_damage_to_a_stored_record_is_reported(string kind, int seed)
    {
        (byte[] content, Func<byte[], string> read) = kind == "manifest"
            ? (FormatSamples.Manifest(seed), (Func<byte[], string>)FormatSamples.ReadManifest)
            : (FormatSamples.Cluster(seed), FormatSamples.ReadCluster);
        await using FileStorage storage = FileStorage.Open(_folder);
        await storage.SwapRecordAsync("r", null, content, default);
        IsAlwaysReported(Path.Combine(_folder, "records", "r"), () => read((Wait(storage.ReadRecordAsync("r", default)))!.Content.ToArray()));
    }

    [Theory]
    [InlineData("checkpoints", 2)]
    [InlineData("checkpoints", 4)]
    [InlineData("archive", 3)]
    [InlineData("producers", 4)]
    public async Task Any_damage_to_a_stored_run_is_reported(string kind, int seed)
    {
        await using FileStorage storage = FileStorage.Open(_folder);
        byte[] content = kind switch
        {
            "checkpoints" => FormatSamples.Checkpoints(seed),
            "archive" => FormatSamples.Archive(seed),
            _ => FormatSamples.Producers(seed),
        };
        await storage.WriteRunAsync("r", content, default);
        IsAlwaysReported(Path.Combine(_folder, "runs", "r"), () => kind switch
        {
            "checkpoints" => FormatSamples.ReadCheckpointsAsync(storage, "r", content.Length).GetAwaiter().GetResult(),
            "archive" => FormatSamples.ReadArchiveAsync(storage, "r").GetAwaiter().GetResult(),
            _ => FormatSamples.ReadProducers(Wait(storage.ReadRunAsync("r", 0, int.MaxValue, default)).ToArray()),
        });
    }

    private static void IsAlwaysReported(string path, Func<string> read) => Damage.IsAlwaysReported(
        File.ReadAllBytes(path),
        bytes =>
        {
            File.WriteAllBytes(path, bytes);
            return read();
        },
        path);

    private static T Wait<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
}
