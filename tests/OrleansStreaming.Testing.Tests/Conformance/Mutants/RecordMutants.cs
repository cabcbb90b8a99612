using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Storages that break one clause about records each.</summary>
internal static class RecordMutants
{
    public static IEnumerable<Mutant> All =>
    [
        new("swaps-from-any-tag", s => new AnyTag(s), "a-record-changes-by-compare-and-swap", "one-of-several-swappers-wins"),
        new("looks-before-it-swaps", s => new LooksFirst(s), "no-swap-is-lost"),
        new("tags-are-of-the-content", s => new ContentTags(s), "a-tag-belongs-to-one-version"),
        new("tags-are-of-the-instance", s => new InstanceTags(s), "records-survive-reopening"),
        new("keeps-the-writer's-memory", s => new KeepsMemory(s), "records-of-any-size"),
    ];

    private sealed class AnyTag(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            await base.SwapRecordAsync(name, (await Inner.ReadRecordAsync(name, cancellationToken))?.Tag, content, cancellationToken);
    }

    private sealed class LooksFirst(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            if ((await Inner.ReadRecordAsync(name, cancellationToken))?.Tag != expectedTag)
            {
                return null;
            }

            await Task.Delay(1, cancellationToken);
            return await base.SwapRecordAsync(name, (await Inner.ReadRecordAsync(name, cancellationToken))?.Tag, content, cancellationToken);
        }
    }

    private sealed class ContentTags(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
            await base.ReadRecordAsync(name, cancellationToken) is { } record ? record with { Tag = TagOf(record.Content) } : null;

        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            StoredRecord? record = await Inner.ReadRecordAsync(name, cancellationToken);
            return (record is null ? null : TagOf(record.Content)) == expectedTag && await base.SwapRecordAsync(name, record?.Tag, content, cancellationToken) is not null ? TagOf(content) : null;
        }

        private static string TagOf(ReadOnlyMemory<byte> content) => Convert.ToHexString(content.Span);
    }

    private sealed class InstanceTags(IStorage inner) : StorageDecorator(inner)
    {
        private readonly string _mine = Guid.NewGuid().ToString("n");

        public override async ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
            await base.ReadRecordAsync(name, cancellationToken) is { } record ? record with { Tag = _mine + record.Tag } : null;

        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            await base.SwapRecordAsync(name, expectedTag?.Replace(_mine, "", StringComparison.Ordinal), content, cancellationToken) is { } tag ? _mine + tag : null;
    }

    private sealed class KeepsMemory(IStorage inner) : StorageDecorator(inner)
    {
        private readonly Dictionary<string, ReadOnlyMemory<byte>> _written = [];

        public override async ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
            await base.ReadRecordAsync(name, cancellationToken) is { } record ? record with { Content = _written[name] } : null;

        public override ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            _written[name] = content;
            return base.SwapRecordAsync(name, expectedTag, content, cancellationToken);
        }
    }
}
