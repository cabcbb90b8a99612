using System.Collections.Concurrent;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>A container, put to the conformance kit; small segments make journals roll.</summary>
/// <param name="connectionString">Of the emulator.</param>
/// <param name="container">The container.</param>
/// <param name="disturbs">Disturbs all requests; the storage is then more patient.</param>
internal sealed class AzuriteUnderTest(string connectionString, string container, RandomFaults? disturbs = null) : IStorageUnderTest
{
    private readonly Faults _faults = new();
    private readonly ConcurrentDictionary<string, bool> _dead = new();
    private volatile Func<Asked, Fault>? _lose;

    public StorageAbilities Abilities => All;

    public static StorageAbilities All => StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes | StorageAbilities.LosesAnswers;

    public async ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken)
    {
        _faults.Decide = asked => IsDead(asked) ? Fault.LoseRequest : _lose?.Invoke(asked) ?? Fault.None;
        var options = new AzureBlobStorageOptions
        {
            ContainerName = container,
            SegmentSizeBytes = 4096,
            RetryFor = TimeSpan.FromMilliseconds(disturbs is null ? 200 : 8_000),
            ConfigureClient = client =>
            {
                client.AddPolicy(_faults, global::Azure.Core.HttpPipelinePosition.PerCall);
                if (disturbs is not null)
                {
                    client.AddPolicy(disturbs, global::Azure.Core.HttpPipelinePosition.BeforeTransport);
                }
            },
        };
        if (disturbs is not null)
        {
            options.RequestTimeout = TimeSpan.FromMilliseconds(700);
        }

        return await AzureBlobStorage.OpenAsync(connectionString, options, meters: null, cancellationToken);
    }

    public void PauseAppend(IStorage storage, string journal, AppendPause pause)
    {
        string folder = Folder(journal);
        Task Hold(Asked asked) => asked.IsAppend && asked.Address.Contains(folder, StringComparison.Ordinal) ? pause.Arrive() : Task.CompletedTask;
        _faults.Before = pause.Step == AppendStep.BeforeWrite ? Hold : _ => Task.CompletedTask;
        _faults.After = async asked =>
        {
            if (pause.Step == AppendStep.BeforeConfirm)
            {
                await Hold(asked);
            }

            if (IsDead(asked))
            {
                throw new global::Azure.RequestFailedException("the process is dead", new IOException("dead"));
            }
        };
    }

    /// <summary>The block is there or not; its writer hears nothing any more, and what else it asks for does not arrive.</summary>
    public ValueTask CrashAsync(IStorage storage, string journal, Random random)
    {
        _dead.TryAdd(Folder(journal), true);
        return default;
    }

    public void LoseAnswer(IStorage storage, StorageCall call, bool takesEffect)
    {
        int left = 1;
        Func<Asked, bool> which = call switch
        {
            StorageCall.CreateJournal => asked => asked.IsCreateSegment,
            StorageCall.Append => asked => asked.IsAppend,
            StorageCall.SealJournal => asked => asked.IsSeal,
            StorageCall.SwapRecord => asked => asked.IsRecordWrite,
            _ => asked => asked.IsRunWrite,
        };
        _lose = asked => which(asked) && Interlocked.Decrement(ref left) == 0 ? (takesEffect ? Fault.LoseAnswer : Fault.LoseRequest) : Fault.None;
    }

    public ValueTask DisposeAsync() => default;

    private bool IsDead(Asked asked) => asked.IsAppend && _dead.Keys.Any(asked.Address.Contains);

    private static string Folder(string journal) => Uri.EscapeDataString(BlobNames.Journal(journal)).Replace("%2F", "/", StringComparison.Ordinal);
}
