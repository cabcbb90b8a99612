using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Storages that break a clause about names, cancellation, disposal or failures each.</summary>
internal static class OtherMutants
{
    public static IEnumerable<Mutant> All =>
    [
        new("names-have-no-case", s => new Names(s, (_, name) => name.ToLowerInvariant()), "names-are-exact"),
        new("names-are-normalised", s => new Names(s, (_, name) => name.Replace("e\u0301", "\u00E9", StringComparison.Ordinal)), "names-are-exact"),
        new("names-end-without-dots", s => new Names(s, (_, name) => name.TrimEnd('.')), "names-are-exact"),
        new("names-are-cut", s => new Names(s, (_, name) => name.Length > 120 ? name[..120] : name), "long-names"),
        new("deleting-a-run-deletes-the-record", s => new OneKind(s), "each-kind-has-names-of-its-own"),
        new("never-gives-up", s => new IgnoresCancellation(s), "a-cancelled-call-ends"),
        new("appends-all-the-same", s => new Writers(s, AppendsAllTheSame), "a-cancelled-append-confirms-nothing-twice"),
        new("goes-on-behind-what-was-given-up", s => new Writers(s, GoesOn), "an-append-is-given-up-while-it-waits"),
        new("is-never-disposed", s => new NeverDisposed(s), "after-disposal-every-call-throws", "what-was-begun-ends-before-disposal-does"),
        new("writers-are-never-disposed", s => new Writers(s, w => w.AppendAsync, () => { }), "disposing-a-writer-ends-no-journal"),
        new("repeats-a-swap", s => new RepeatsSwaps(s), "a-swap-whose-answer-is-lost"),
        new("is-certain-that-it-failed", s => new IsCertain(s), "a-swap-whose-answer-is-lost"),
        new("repeats-an-append", s => new RepeatsAppends(s), "an-append-whose-answer-is-lost"),
        new("a-seal-that-failed-ends-at-0", s => new EndsAtNothing(s), "a-seal-whose-answer-is-lost"),
        new("a-creation-that-failed-confirms-all", s => new ConfirmsAll(s), "a-creation-whose-answer-is-lost"),
        new("a-run-that-failed-is-written", s => new SwallowsRuns(s), "a-run-whose-answer-is-lost"),
    ];

    private static Func<IReadOnlyList<FrameToWrite>, CancellationToken, ValueTask> AppendsAllTheSame(IJournalWriter writer) => async (frames, cancel) =>
    {
        await writer.AppendAsync(frames, default);
        cancel.ThrowIfCancellationRequested();
    };

    private static Func<IReadOnlyList<FrameToWrite>, CancellationToken, ValueTask> GoesOn(IJournalWriter writer)
    {
        Task last = Task.CompletedTask;
        return async (frames, cancel) =>
        {
            Task before = last;
            last = Task.Run(
                async () =>
                {
                    await before;
                    await writer.AppendAsync(frames, default);
                },
                CancellationToken.None);
            await last.WaitAsync(cancel);
        };
    }

    private sealed class Writers(IStorage inner, Func<IJournalWriter, Func<IReadOnlyList<FrameToWrite>, CancellationToken, ValueTask>> append, Action? dispose = null) : StorageDecorator(inner)
    {
        protected override IJournalWriter Wrap(string journal, IJournalWriter writer) => new WriterDecorator(writer, append(writer), dispose);
    }

    private sealed class Names(IStorage inner, Func<string, string, string> map) : StorageDecorator(inner)
    {
        public override ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) => base.CreateJournalAsync(map("journal", journal), cancellationToken);

        public override ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
            base.ReadFramesAsync(map("journal", journal), fromLsn, toLsn, maxBytes, cancellationToken);

        public override ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => base.ReadRecordAsync(map("record", name), cancellationToken);

        public override ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            base.SwapRecordAsync(map("record", name), expectedTag, content, cancellationToken);
    }

    private sealed class OneKind(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken)
        {
            await base.DeleteRunAsync(name, cancellationToken);
            if (await Inner.ReadRecordAsync(name, cancellationToken) is { } record)
            {
                await Inner.SwapRecordAsync(name, record.Tag, default, cancellationToken);
            }
        }
    }

    private sealed class IgnoresCancellation(IStorage inner) : StorageDecorator(inner)
    {
        public override ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            base.SwapRecordAsync(name, expectedTag, content, default);
    }

    private sealed class NeverDisposed(IStorage inner) : StorageDecorator(inner)
    {
        public override ValueTask DisposeAsync() => default;
    }

    private sealed class RepeatsSwaps(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SwapRecordAsync(name, expectedTag, content, cancellationToken);
            }
            catch (StorageException)
            {
                return await base.SwapRecordAsync(name, expectedTag, content, cancellationToken);
            }
        }
    }

    private sealed class IsCertain(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SwapRecordAsync(name, expectedTag, content, cancellationToken);
            }
            catch (StorageException e)
            {
                throw new StorageException(e.Message);
            }
        }
    }

    /// <summary>On the writer below the one that refuses after a failure.</summary>
    private sealed class RepeatsAppends(IStorage inner) : StorageDecorator(inner)
    {
        private readonly IStorage _medium = ((LossyStorage)inner).Inner;

        public override async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken)
        {
            IJournalWriter stored = await _medium.CreateJournalAsync(journal, cancellationToken);
            bool isFirst = true;
            return new WriterDecorator(stored, async (frames, cancel) =>
            {
                // As a client library does when it is not answered.
                for (int i = 0; i < (isFirst ? 1 : 2); i++)
                {
                    await stored.AppendAsync(frames, cancel);
                }

                isFirst = false;
            });
        }
    }

    private sealed class EndsAtNothing(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SealJournalAsync(journal, cancellationToken);
            }
            catch (StorageException)
            {
                return 0;
            }
        }
    }

    private sealed class ConfirmsAll(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken)
        {
            try
            {
                return await base.CreateJournalAsync(journal, cancellationToken);
            }
            catch (StorageException)
            {
                return new WriterDecorator(null!, (_, _) => default, () => { });
            }
        }
    }

    private sealed class SwallowsRuns(IStorage inner) : StorageDecorator(inner)
    {
        public override async ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            try
            {
                await base.WriteRunAsync(name, content, cancellationToken);
            }
            catch (StorageException)
            {
                // "It will have been written."
            }
        }
    }
}
