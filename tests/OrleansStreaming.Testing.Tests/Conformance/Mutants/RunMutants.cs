using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Storages that break one clause about runs each.</summary>
internal static class RunMutants
{
    public static IEnumerable<Mutant> All =>
    [
        new("a-run-grows-in-sight", s => new Grows(s), "a-run-is-invisible-before-it-is-whole", "a-run-that-is-given-up-is-invisible"),
        new("keeps-what-came-of-a-run", s => new KeepsPart(s), "a-run-that-is-given-up-is-invisible"),
        new("deletes-before-it-overwrites", s => new DeletesFirst(s), "a-run-is-invisible-before-it-is-whole"),
        new("does-not-overwrite", s => new WritesOnce(s), "a-run-is-overwritten"),
        new("keeps-pieces-by-reference", s => new KeepsPieces(s), "runs-of-any-size"),
        new("counts-from-the-start-only", s => new Parts(s, (offset, length) => (Math.Max(0, offset), length)), "any-part-of-a-run-is-read"),
        new("reads-a-byte-too-few", s => new Parts(s, (offset, length) => (offset, Math.Max(0, length - 1))), "any-part-of-a-run-is-read"),
        new("a-missing-run-is-empty", s => new MissingIsEmpty(s), "a-run-that-is-not-there-is-reported"),
        new("uses-its-buffer-again", s => new OneBuffer(s), "a-read-of-a-run-does-not-change"),
        new("deletes-no-run", s => new Deletes(s, _ => false), "runs-are-deleted"),
        new("lists-without-case", s => new Lists(s, (prefix, all) => all.Where(name => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))), "runs-are-listed-by-prefix"),
        new("lists-folders", s => new Lists(s, (prefix, all) => all.Where(name => prefix.EndsWith('/') && name.StartsWith(prefix, StringComparison.Ordinal))), "runs-are-listed-by-prefix"),
        new("lists-what-was", s => new OldLists(s), "a-list-is-of-now"),
        new("lists-some-twice", s => new Lists(s, (prefix, all) => all.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).SelectMany(name => new[] { name, name })), "lists-beside-writers"),
    ];

    private sealed class Grows(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
        {
            var content = new List<byte>();
            await foreach (ReadOnlyMemory<byte> piece in pieces)
            {
                content.AddRange(piece.Span);
                await base.WriteRunAsync(name, content.ToArray(), cancellationToken);
            }
        }
    }

    private sealed class KeepsPart(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
        {
            var content = new List<byte>();
            try
            {
                await foreach (ReadOnlyMemory<byte> piece in pieces)
                {
                    content.AddRange(piece.Span);
                }
            }
            finally
            {
                await base.WriteRunAsync(name, content.ToArray(), cancellationToken);
            }
        }
    }

    private sealed class DeletesFirst(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
        {
            await Inner.DeleteRunAsync(name, cancellationToken);
            await base.WriteRunAsync(name, pieces, cancellationToken);
        }
    }

    private sealed class WritesOnce(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            if (!(await Inner.ListRunsAsync(name, cancellationToken)).Contains(name))
            {
                await base.WriteRunAsync(name, content, cancellationToken);
            }
        }
    }

    private sealed class KeepsPieces(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
        {
            var kept = new List<ReadOnlyMemory<byte>>();
            await foreach (ReadOnlyMemory<byte> piece in pieces)
            {
                kept.Add(piece);
            }

            await base.WriteRunAsync(name, kept.SelectMany(piece => piece.ToArray()).ToArray(), cancellationToken);
        }
    }

    private sealed class Parts(IStorage inner, Func<long, int, (long Offset, int Length)> change) : StorageDecorator(inner)
    {
        public override ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken)
        {
            (offset, length) = change(offset, length);
            return base.ReadRunAsync(name, offset, length, cancellationToken);
        }
    }

    private sealed class MissingIsEmpty(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken)
        {
            try
            {
                return await base.ReadRunAsync(name, offset, length, cancellationToken);
            }
            catch (CorruptDataException)
            {
                return default;
            }
        }
    }

    private sealed class OneBuffer(IStorage inner) : StorageDecorator(inner)
    {
        private readonly byte[] _buffer = new byte[1 << 20];

        public override async ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken)
        {
            ReadOnlyMemory<byte> read = await base.ReadRunAsync(name, offset, length, cancellationToken);
            read.CopyTo(_buffer);
            return _buffer.AsMemory(0, read.Length);
        }
    }

    private sealed class Deletes(IStorage inner, Predicate<string> deletes) : StorageDecorator(inner)
    {
        public override ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => deletes(name) ? base.DeleteRunAsync(name, cancellationToken) : default;
    }

    private sealed class Lists(IStorage inner, Func<string, IEnumerable<string>, IEnumerable<string>> choose) : StorageDecorator(inner)
    {
        public override async ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
            [.. choose(prefix, await base.ListRunsAsync("", cancellationToken))];
    }

    private sealed class OldLists(IStorage inner) : StorageDecorator(inner)
    {
        private readonly Dictionary<string, IReadOnlyList<string>> _lists = [];

        public override async ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
            _lists.TryGetValue(prefix, out IReadOnlyList<string>? list) ? list : _lists[prefix] = await base.ListRunsAsync(prefix, cancellationToken);
    }
}
