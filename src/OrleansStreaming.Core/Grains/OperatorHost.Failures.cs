using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>What becomes of an event whose turn throws: it is tried again, left out by a decision, or stops the partition.</summary>
internal sealed partial class OperatorHost
{
    private void Threw(Grain grain, in Input input, Exception error, byte[]? before)
    {
        long offset = input.Offset;
        if (grain.Failed?.Offset != offset)
        {
            grain.Failed = new FailedEvent(offset); // Attempts at one event say nothing about another.
        }

        FailedEvent failed = grain.Failed!;
        failed.Attempts++;
        OperatorOptions options = Type.Definition.Options;
        bool flagged = IsFlagged(grain, offset);

        // A repeat of a turn must not be decided otherwise than the first time, which may have succeeded. A record that keeps
        // throwing the same is taken to throw always, as operators are deterministic: then the first time threw too.
        bool same = failed.Failure is { } failure && failure.GetType() == error.GetType() && failure.Message == error.Message;
        failed.SameFailures = same ? failed.SameFailures + 1 : 1;
        failed.Failure = error;
        int attempts = flagged && !Mutations.DecideAgain && failed.SameFailures <= options.MaxAttempts ? options.MaxAttempts * 4 : options.MaxAttempts;
        _silo.Log.TurnThrew(_silo.Name, Type.Definition.Name, Type.KeyText(grain.Key), new Offset(offset), failed.Attempts, error);
        _silo.Counters.Throws++;
        if (before is not null)
        {
            Type.ReadState(grain.Instance, before);
        }

        if (failed.Attempts >= attempts && options.OnFailure is FailurePolicy.DeadLetter or FailurePolicy.Skip)
        {
            int failures = failed.Attempts;
            DecisionEntry decision = _partition.AppendDecision(Id, grain, in input, error);
            if (before is null)
            {
                // The turn may have changed the state: rebuild it, and find the decision on the way.
                Rollback(grain);
                return;
            }

            LeaveOut(grain, in input, decision);
            _silo.Log.LeftOut(_silo.Name, Type.Definition.Name, Type.KeyText(grain.Key), new Offset(offset), failures, error);
            return;
        }

        if (failed.Attempts >= attempts && options.OnFailure == FailurePolicy.StopPartition)
        {
            _halted = grain;
        }

        int exponent = Math.Min(failed.Attempts - 1, 16);
        double delay = Math.Min(options.RetryDelay.TotalMilliseconds * (1 << exponent), options.MaxRetryDelay.TotalMilliseconds);
        if (before is null)
        {
            Rollback(grain);
            if (grain.Phase != GrainPhase.Ready)
            {
                return; // Its checkpoint is read again, then it catches up to the same event: that is the wait.
            }
        }

        FallBehind(grain);
        StopCatchUp(grain);
        grain.Phase = GrainPhase.BackingOff;
        _away.Add(grain);
        int generation = grain.Generation;
        _silo.After((long)delay, () =>
        {
            if (grain.Phase == GrainPhase.BackingOff && grain.Generation == generation && !_partition.Lost)
            {
                grain.Phase = GrainPhase.Ready;
                _away.Remove(grain);
                StartCatchUp(grain);
            }
        });
    }

    /// <summary>Passes an event that a recorded decision leaves out.</summary>
    private void LeaveOut(Grain grain, in Input input, DecisionEntry decision)
    {
        long offset = input.Offset;
        bool flagged = IsFlagged(grain, offset);
        Row.Read(input.Block.Rows[input.Start..], input.Block.BaseTime, out Row row);
        AbsorbPassed(grain, input.Block, input.Slot);
        if (!Mutations.LeaveOutBare)
        {
            AbsorbPassed(grain, decision.Block, decision.Slot);
        }

        StreamDefinition? letters = Type.Definition.DeadLetters;
        TurnContext? context = null;
        if (letters is not null && Type.Definition.Options.OnFailure == FailurePolicy.DeadLetter)
        {
            string key = Type.KeyText(grain.Key);
            string what = row.Kind == RecordKind.Event ? _partition.Stream.Types[row.TypeIndex].Name : row.Kind.ToString();
            var letter = new DeadLetter(
                Type.Definition.Name, key, _partition.Stream.Name, new Offset(offset).ToString(), what, row.Payload.ToArray(), decision.Reason);
            context = _silo.Context;
            context.Begin(this, grain.Key, offset, row.Time);
            EventType<DeadLetter> type = letters.Find<DeadLetter>()!;
            var payload = new System.Buffers.ArrayBufferWriter<byte>();
            type.Serializer.Write(in letter, payload);
            context.EmitEncoded(letters, (byte)type.Index, Encoding.UTF8.GetBytes(key), payload.WrittenSpan);
            context.End();
        }

        if (row.Kind != RecordKind.Event)
        {
            RecordName name = row.Name; // The timer has fired, the call was answered: that the grain could not take it changes nothing.
            grain.Pending?.RemoveAll(r => r.Name == name);
        }

        Advance(grain, offset);
        _silo.Counters.LeftOut++;
        _silo.Probe?.LeftOut(this, grain, offset, flagged);
        if (context is not null)
        {
            Send(grain, offset, context, flagged);
        }
    }
}
