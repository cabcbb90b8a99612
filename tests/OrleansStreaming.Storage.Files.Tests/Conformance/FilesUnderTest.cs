using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>A folder, put to the conformance kit. One process at a time uses it, and small segments make journals roll.</summary>
internal sealed class FilesUnderTest : IStorageUnderTest
{
    private readonly TempFolder _folder = new();
    private readonly RecordingFileSystem _files;
    private AppendPause? _pause;

    /// <summary>Without flushes it is fast; what is proven of flushing is proven elsewhere.</summary>
    public FilesUnderTest() => _files = LyingFileSystem.WithoutFlushes();

    public StorageAbilities Abilities => StorageAbilities.Pauses | StorageAbilities.Crashes | StorageAbilities.LosesAnswers;

    public ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<IStorage>(FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = _files }));

    public void PauseAppend(IStorage storage, string journal, AppendPause pause)
    {
        string folder = Path.Combine(_folder["journals"], FileNames.ToFileName(journal)) + Path.DirectorySeparatorChar;
        _pause = pause;
        _files.Before = operation =>
        {
            bool here = pause.Step == AppendStep.BeforeWrite
                ? operation.Call == FileCall.Write && operation.Path.EndsWith(".seg", StringComparison.Ordinal)
                : operation.Call == FileCall.FileExists && operation.Path.EndsWith("fence", StringComparison.Ordinal);
            if (here && operation.Path.StartsWith(folder, StringComparison.Ordinal))
            {
                pause.Arrive().Wait(CancellationToken.None);
            }
        };
    }

    public async ValueTask CrashAsync(IStorage storage, string journal, Random random)
    {
        Task cut = ((FileStorage)storage).CutTailAsync(journal, random, TailCut.AtRandomByte);
        _pause!.Release(); // a write that has been handed to the system may still reach the disk
        await cut;
    }

    public void LoseAnswer(IStorage storage, StorageCall call, bool takesEffect)
    {
        // What has its name has taken effect; a write that fails after it was made is the same for an append.
        int failed = 0;
        _files.Before = operation =>
        {
            bool here = call == StorageCall.Append
                ? operation.Call == (takesEffect ? FileCall.Flush : FileCall.Write)
                : operation.Call == (takesEffect ? FileCall.SyncDirectory : FileCall.Create);
            if (here && Interlocked.Exchange(ref failed, 1) == 0)
            {
                throw FaultyFileSystem.Error(FaultyFileSystem.InputOutputError);
            }
        };
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }
}
