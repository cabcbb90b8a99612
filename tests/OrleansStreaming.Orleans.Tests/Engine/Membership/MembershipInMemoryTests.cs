using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <inheritdoc/>
public sealed class MembershipInMemoryTests : MembershipTableTests
{
    private readonly InMemoryStorage _data = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _data.DisposeAsync();
    }

    protected override ValueTask<IStorage> OpenAsync() => ValueTask.FromResult<IStorage>(_data.Share());
}
