namespace OrleansStreaming.Core;

/// <summary>The keys of an operator's grains in a partition: those that were in memory, and where the others are.</summary>
/// <param name="OperatorId">The operator.</param>
/// <param name="InMemory">Keys of grains in memory.</param>
/// <param name="Runs">The committed runs of that moment.</param>
internal sealed record GrainKeys(int OperatorId, IReadOnlyList<byte[]> InMemory, CheckpointRun[] Runs)
{
    /// <summary>Lists all keys, each once. Called outside of the loop.</summary>
    /// <exception cref="CorruptDataException">A run is damaged, or has been merged meanwhile.</exception>
    public async ValueTask<IReadOnlyCollection<byte[]>> ReadAsync(IStorage storage, int windowBytes, CancellationToken cancellationToken)
    {
        var keys = new HashSet<byte[]>(InMemory, ByteKeyComparer.Instance);
        HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> lookup = keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (CheckpointRun run in Runs)
        {
            var cursor = new RunCursor(run, windowBytes);
            await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
            while (!cursor.AtEnd)
            {
                if (cursor.Operator == OperatorId)
                {
                    lookup.Add(cursor.Entry.Key);
                }

                cursor.MoveNext();
                if (cursor.NeedsFill)
                {
                    await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        return keys;
    }
}
