using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Serialization.Serializers;
using Orleans.Storage;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Keeps states of grains as records of the storage, one each. The etag is the record's tag: a write that is based on another
/// version than the stored one changes nothing, and throws <see cref="InconsistentStateException"/>.
/// </summary>
internal sealed class StreamingGrainStorage(
    string name, SharedStorage shared, IGrainStorageSerializer serializer, IActivatorProvider activators, IOptions<ClusterOptions> cluster) : IGrainStorage, IAsyncDisposable
{
    private readonly string _service = cluster.Value.ServiceId;
    private readonly SemaphoreSlim _opening = new(1, 1);
    private IStorage? _storage;

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string fullName = FullName(stateName, grainId);
        IStorage storage = await OpenAsync().ConfigureAwait(false);
        StoredRecord? stored = await storage.ReadRecordAsync(GrainRecord.NameOf(fullName), CancellationToken.None).ConfigureAwait(false);
        ReadOnlyMemory<byte>? state = stored is null ? null : GrainRecord.Parse(fullName, stored.Content).State;
        grainState.State = (state is { } bytes ? serializer.Deserialize<T>(new BinaryData(bytes)) : default) ?? Empty<T>();
        grainState.RecordExists = state is not null;
        grainState.ETag = stored?.Tag!;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string fullName = FullName(stateName, grainId);
        ReadOnlyMemory<byte> state = serializer.Serialize(grainState.State).ToMemory();
        grainState.ETag = await SwapAsync(new GrainRecord(fullName, state), grainState.ETag).ConfigureAwait(false);
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string fullName = FullName(stateName, grainId);

        // What was never written needs no record that says so.
        if (grainState.ETag is not null || await TagAsync(fullName).ConfigureAwait(false) is not null)
        {
            grainState.ETag = await SwapAsync(new GrainRecord(fullName, null), grainState.ETag).ConfigureAwait(false);
        }

        grainState.State = Empty<T>();
        grainState.RecordExists = false;
    }

    public async ValueTask DisposeAsync()
    {
        if (_storage is not null)
        {
            await _storage.DisposeAsync().ConfigureAwait(false);
        }
    }

    private string FullName(string stateName, GrainId grain) => GrainRecord.FullNameOf(_service, name, stateName, grain);

    private T Empty<T>() => activators.GetActivator<T>().Create();

    private async Task<string> SwapAsync(GrainRecord record, string? expected)
    {
        IStorage storage = await OpenAsync().ConfigureAwait(false);
        return await storage.SwapRecordAsync(GrainRecord.NameOf(record.FullName), expected, record.ToBytes(), CancellationToken.None).ConfigureAwait(false)
            ?? throw await ConflictAsync(record.FullName, expected).ConfigureAwait(false);
    }

    /// <summary>Orleans drops the activation, and the next one reads what is stored.</summary>
    private async Task<InconsistentStateException> ConflictAsync(string fullName, string? expected)
    {
        string message = $"The state {fullName} is not the one that this activation has read or written.";
        try
        {
            return new InconsistentStateException(message, await TagAsync(fullName).ConfigureAwait(false) ?? "none", expected ?? "none");
        }
        catch (StorageException e)
        {
            return new InconsistentStateException(message, "unknown", expected ?? "none", e);
        }
    }

    private async Task<string?> TagAsync(string fullName)
    {
        IStorage storage = await OpenAsync().ConfigureAwait(false);
        return (await storage.ReadRecordAsync(GrainRecord.NameOf(fullName), CancellationToken.None).ConfigureAwait(false))?.Tag;
    }

    private async ValueTask<IStorage> OpenAsync()
    {
        if (_storage is { } open)
        {
            return open;
        }

        await _opening.WaitAsync().ConfigureAwait(false);
        try
        {
            return _storage ??= await shared.LeaseAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }
}
