using System.Buffers;
using System.Text.Json;

namespace OrleansStreaming.Core;

/// <summary>Answers questions for a grain's state.</summary>
internal sealed partial class OperatorHost
{
    private readonly List<Reading> _reads = [];
    private bool _answering;

    /// <summary>Takes a question; the answer covers at least what the partition held when it was asked.</summary>
    public void Read(StateQuery query)
    {
        _reads.Add(new Reading(query, _partition.Log.LastOffset));
        AnswerReads();
    }

    /// <summary>Answers what can be answered.</summary>
    public void AnswerReads()
    {
        if (_answering)
        {
            return; // A grain that is brought back for an answer is there at once, and would have it answered.
        }

        _answering = true;
        for (int i = _reads.Count - 1; i >= 0; i--)
        {
            if (_reads[i].Query.Cancelled || TryAnswer(_reads[i]))
            {
                _reads.RemoveAt(i);
            }
        }

        _answering = false;
    }

    /// <summary>The partition is going away: whoever asks must ask its next owner.</summary>
    public void RefuseReads()
    {
        foreach (Reading reading in _reads)
        {
            reading.Query.Answer(StateAnswer.Moved);
        }

        _reads.Clear();
    }

    private void AnswerReads(Grain grain)
    {
        if (_reads.Count > 0 && grain.IsIdle)
        {
            AnswerReads();
        }
    }

    private bool TryAnswer(Reading reading)
    {
        StateQuery query = reading.Query;
        if (reading.Copy is null && !TryCopy(reading))
        {
            return reading.Done;
        }

        if (query.Stable)
        {
            if (_silo.Journals.IsLost(reading.Foreign))
            {
                reading.Copy = null; // What was seen has been undone: look again.
                return false;
            }

            if (!_silo.Journals.IsDurable(_silo.Journal.Id, reading.OwnLsn) || reading.Foreign?.Prune(_silo.Journals) is not null)
            {
                return false;
            }
        }

        query.Answer(reading.Copy!);
        return true;
    }

    private bool TryCopy(Reading reading)
    {
        StateQuery query = reading.Query;
        if (CursorOffset < reading.After && !_cursor.AtEnd(_partition.Log) && !_partition.Stream.Strict)
        {
            return false;
        }

        Grain? grain = FindOrKnown(KeyHash.Compute(query.Key), query.Key);
        if (grain is null || (grain is { Phase: GrainPhase.Ready, Behind: false, Turn: null } && grain.Position < 0))
        {
            query.Answer(StateAnswer.Unknown); // Never seen, or everything that it had seen was void.
            reading.Done = true;
            return false;
        }

        if (grain.Phase == GrainPhase.Absent)
        {
            Activate(grain);
        }

        bool waiting = grain.Mailbox is { Count: > 0 } mailbox && mailbox.Peek().Offset <= reading.After;
        if (grain.Phase != GrainPhase.Ready || grain.Turn is not null || grain.Behind || waiting)
        {
            return false;
        }

        grain.Use(_silo.NowMs);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            Type.WriteStateJson(grain.Instance, json);
        }

        reading.Copy = new StateAnswer(StateAnswerKind.Found, buffer.WrittenMemory, new Offset(grain.Position));
        reading.Foreign = grain.Foreign;
        reading.OwnLsn = grain.OwnLsn;
        return true;
    }

    private sealed class Reading(StateQuery query, long after)
    {
        public StateQuery Query { get; } = query;

        /// <summary>The partition's last offset when the question came.</summary>
        public long After { get; } = after;

        /// <summary>The answer; for a stable read it waits until its dependencies cannot be lost.</summary>
        public StateAnswer? Copy { get; set; }

        public CausalityVector? Foreign { get; set; }

        public long OwnLsn { get; set; }

        public bool Done { get; set; }
    }
}

/// <summary>A question for a grain's state.</summary>
/// <param name="OperatorId">The operator.</param>
/// <param name="Partition">The partition that holds the key.</param>
/// <param name="Key">The key's bytes.</param>
/// <param name="Stable">Answer only when what the state depends on can no longer be lost.</param>
/// <param name="Answer">Called once, in the silo's loop.</param>
/// <param name="Cancellation">Nobody waits any more.</param>
internal sealed record StateQuery(int OperatorId, int Partition, byte[] Key, bool Stable, Action<StateAnswer> Answer, CancellationToken Cancellation)
{
    public bool Cancelled => Cancellation.IsCancellationRequested;
}

internal enum StateAnswerKind
{
    Found,
    Unknown,
    Moved,
}

/// <summary>A grain's state as JSON, with the last event that it covers.</summary>
internal sealed record StateAnswer(StateAnswerKind Kind, ReadOnlyMemory<byte> Json, Offset Offset)
{
    public static readonly StateAnswer Unknown = new(StateAnswerKind.Unknown, default, default);
    public static readonly StateAnswer Moved = new(StateAnswerKind.Moved, default, default);
}
