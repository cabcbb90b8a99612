using System.Buffers;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core.Tests.Checkpoints;

/// <summary>Runs that are written, merged and read, beside a dictionary of what they must hold.</summary>
internal sealed class RunModel(int seed, RunLimits limits)
{
    private static readonly int[] Operators = [1, 3];
    private readonly Random _random = new(seed);
    private readonly Dictionary<(int Operator, string Key), (long Position, byte[] State, List<PendingRequest>? Pending)> _grains = [];
    private long _position = new Offset(1, 0).Value;
    private int _number;

    public MemoryRuns Storage { get; } = new();

    public List<CheckpointRun> Runs { get; } = [];

    /// <summary>Writes a run of some grains: whole states, or what has changed of them.</summary>
    public async Task WriteAsync(int grains)
    {
        var entries = new List<(int Operator, ulong Hash, byte[] Key, EntryKind Kind, long Position, byte[] Body)>();
        long lowest = _position + 1;
        foreach ((int operatorId, string text) in Enumerable.Range(0, grains).Select(_ => (Operators[_random.Next(2)], $"k{_random.Next(grains * 3)}")).Distinct())
        {
            byte[] key = System.Text.Encoding.UTF8.GetBytes(text);
            byte[] state = new byte[_random.Next(8) == 0 ? _random.Next(2000) : _random.Next(40)];
            _random.NextBytes(state);
            EntryKind kind = EntryKind.Full;
            var content = new ArrayBufferWriter<byte>();
            List<PendingRequest>? pending = null;
            if (_random.Next(5) == 0)
            {
                kind |= EntryKind.Pending;
                pending = [new PendingRequest(new RecordName(_position, 1), RecordKind.Timer, "t", _random.Next(), [1, 2])];
                content.Advance(RunEntry.WritePending(content.GetSpan(RunEntry.PendingSize(pending)), pending));
            }

            bool delta = _grains.TryGetValue((operatorId, text), out var old) && _random.Next(2) == 0;
            if (delta)
            {
                kind |= EntryKind.Delta;
                state = Change(old.State);
                StateDelta.TryWrite(StateSignature.Of(old.State, 8), old.Position, StateSignature.Of(state, 8), state, int.MaxValue, content).ShouldBeTrue();
            }
            else
            {
                content.Write(state);
            }

            _position += _random.Next(1, 300);
            entries.Add((operatorId, KeyHash.Compute(key), key, kind, _position, content.WrittenSpan.ToArray()));
            _grains[(operatorId, text)] = (_position, state, pending);
        }

        entries.Sort((a, b) => a.Operator != b.Operator ? a.Operator.CompareTo(b.Operator) : a.Hash.CompareTo(b.Hash));
        var writer = new RunWriter(limits.BlockBytes, limits.WindowBytes, lowest);
        string name = $"run{++_number}";
        await Storage.WriteRunAsync(name, Pieces(writer, entries), default);
        Runs.Add(writer.ToRun(name));
        await IsAsOpened(Runs[^1]);
    }

    /// <summary>Merges neighbours.</summary>
    public async Task MergeAsync(int first, int count)
    {
        string name = $"run{++_number}";
        var merge = new RunMerge(Storage, Runs.GetRange(first, count), limits, null);
        await Storage.WriteRunAsync(name, merge.WriteAsync(default), default);
        Runs.RemoveRange(first, count);
        Runs.Insert(first, merge.Writer.ToRun(name));
        await IsAsOpened(Runs[first]);
    }

    /// <summary>Every grain is found as it was written last, and no other is.</summary>
    public async Task CheckAsync()
    {
        foreach (((int operatorId, string text), (long position, byte[] state, List<PendingRequest>? pending)) in _grains)
        {
            byte[] key = System.Text.Encoding.UTF8.GetBytes(text);
            Lookup found = (await FindAsync(operatorId, key)).ShouldNotBeNull($"{operatorId} {text}");
            found.Position.ShouldBe(position);
            found.State.Span.SequenceEqual(state).ShouldBeTrue($"{operatorId} {text}");
            (found.Pending?.Select(p => p.Due)).ShouldBe(pending?.Select(p => p.Due));
        }

        (await FindAsync(2, "k1"u8.ToArray())).ShouldBeNull();
        (await FindAsync(1, "nobody"u8.ToArray())).ShouldBeNull();
        IReadOnlyCollection<byte[]> keys = await new GrainKeys(Operators[1], [], [.. Runs]).ReadAsync(Storage, limits.WindowBytes, default);
        keys.Select(System.Text.Encoding.UTF8.GetString).Order().ShouldBe(_grains.Keys.Where(k => k.Operator == Operators[1]).Select(k => k.Key).Order());
    }

    private async Task<Lookup?> FindAsync(int operatorId, byte[] key)
    {
        var lookup = new Lookup(operatorId, new Grain(key, KeyHash.Compute(key)), [.. Runs]);
        while (lookup.MoveToCandidate())
        {
            (int first, int end) = lookup.Run.WindowOf(lookup.Block, limits.WindowBytes);
            if (lookup.Look(await lookup.Run.ReadAsync(Storage, first, end, default)))
            {
                return lookup;
            }
        }

        lookup.ThrowUnlessNew();
        return null;
    }

    /// <summary>What the writer keeps in memory is what a new owner reads.</summary>
    private async Task IsAsOpened(CheckpointRun written)
    {
        written.Length.ShouldBe(Storage.Runs[written.Name].Length);
        (CheckpointRun opened, _) = await CheckpointRun.OpenAsync(Storage, new RunInfo(written.Name, written.Length, written.Entries), default);
        (opened.Entries, opened.Blocks, opened.BasePosition, opened.ResidentBytes).ShouldBe((written.Entries, written.Blocks, written.BasePosition, written.ResidentBytes));
        for (int i = 0; i < opened.Blocks; i++)
        {
            (opened.PlaceOf(i), opened.LengthOf(i), opened.OperatorOf(i)).ShouldBe((written.PlaceOf(i), written.LengthOf(i), written.OperatorOf(i)));
        }
    }

    private byte[] Change(byte[] state)
    {
        List<byte> changed = [.. state];
        for (int i = _random.Next(4); i > 0 && changed.Count > 0; i--)
        {
            changed[_random.Next(changed.Count)] = (byte)_random.Next(256);
        }

        if (_random.Next(3) == 0)
        {
            changed.InsertRange(_random.Next(changed.Count + 1), new byte[_random.Next(5)]);
        }

        return [.. changed];
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(
        RunWriter writer, List<(int Operator, ulong Hash, byte[] Key, EntryKind Kind, long Position, byte[] Body)> entries)
    {
        await Task.CompletedTask;
        foreach (var entry in entries)
        {
            writer.Add(entry.Operator, entry.Hash, entry.Key, entry.Kind, entry.Position, entry.Body);
            if (writer.HasPiece)
            {
                yield return writer.TakePiece();
            }
        }

        yield return writer.Finish();
    }
}
