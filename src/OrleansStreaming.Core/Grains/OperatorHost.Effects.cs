namespace OrleansStreaming.Core;

/// <summary>What a turn leaves: the grain is at its event and depends on it, and what it emitted is on its way.</summary>
internal sealed partial class OperatorHost
{
    /// <summary>An output of a flagged turn may repeat what its destination has: this owner does not process the event for the first time.</summary>
    private bool IsFlagged(Grain grain, long offset) => !Mutations.NeverFlag && (offset <= grain.Completed || new Offset(offset).Epoch != _partition.Epoch);

    /// <param name="grain">Whose turn it was.</param>
    /// <param name="input">What it has consumed.</param>
    /// <param name="context">What it has emitted and asked for.</param>
    /// <param name="turn">The turn, if it did not end at once: others have begun since.</param>
    private void EndTurn(Grain grain, in Input input, TurnContext context, Turn? turn = null)
    {
        context.End();
        bool flagged = IsFlagged(grain, input.Offset);
        long ownLsn = grain.OwnLsn;
        if (Absorb(grain, input.Block, input.Slot))
        {
            if (turn?.Before is { } before)
            {
                Type.SaveAgain(before);
            }

            _undo.Add(grain, ownLsn, hasState: true);
        }

        if (input.Kind is RecordKind.Timer or RecordKind.CallResult)
        {
            RecordName name = input.Name;
            grain.Pending!.RemoveAll(r => r.Name == name);
        }

        TakeRequests(grain, context);
        Advance(grain, input.Offset);
        _silo.Probe?.Consumed(this, grain, input.Offset, flagged);
        Send(grain, input.Offset, context, flagged);
    }

    private void Send(Grain grain, long offset, TurnContext context, bool flagged)
    {
        if (context.Outputs.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<byte> producer = context.GrainKey; // The grain's own would be another place in memory to wait for.
        int ordinal = 0;
        foreach (ref readonly TurnContext.Output output in context.Outputs)
        {
            Row row = default;
            row.Producer = ProducerKind.Grain;
            row.OperatorId = Id;
            row.ProducerKey = producer;
            row.Name = new RecordName(offset, ordinal++);
            row.Time = context.TimeMicros;
            row.TypeIndex = output.Type;
            row.Key = context.Bytes(output.Key, output.KeyLength);
            row.Payload = context.Bytes(output.Payload, output.PayloadLength);
            long mark = _silo.Route(output.Stream, ref row, grain, _partition.Id, flagged);
            if (flagged)
            {
                _partition.Checkpoints.Repeated(mark);
            }
        }
    }

    /// <summary>The state now depends on the record and on all that the record depends on. Returns whether it did not depend on other journals before, and does now.</summary>
    private bool Absorb(Grain grain, LogBlock block, int slot)
    {
        if (block.Journal == _silo.Journal.Id)
        {
            grain.OwnLsn = Math.Max(grain.OwnLsn, block.Lsn);
        }

        CausalityVector? vector = Mutations.PruneUnstable && _silo.Journals.IsDurable(block.Journal, block.Lsn) ? null : block.VectorOf(slot)?.Prune(_silo.Journals);
        if (vector is null && grain.Foreign is null)
        {
            return false;
        }

        CausalityVector? before = grain.Foreign?.Prune(_silo.Journals);
        grain.Foreign = CausalityVector.Merge(before, vector);
        return before is null && vector is not null;
    }

    /// <summary>The same for a record that is passed over: should it be lost, the grain goes back to an earlier copy or its checkpoint.</summary>
    private void AbsorbPassed(Grain grain, LogBlock block, int slot)
    {
        if (Absorb(grain, block, slot) && grain.UndoAt < 0)
        {
            _undo.Add(grain, 0, hasState: false);
        }
    }

    private void Advance(Grain grain, long offset)
    {
        grain.Position = offset;
        if (grain.Failed is { } failed && offset >= failed.Offset)
        {
            grain.Failed = null;
            _halted = ReferenceEquals(_halted, grain) ? null : _halted;
        }

        _silo.Counters.Events++;
    }
}
