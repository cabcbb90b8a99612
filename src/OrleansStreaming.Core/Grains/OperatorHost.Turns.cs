using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>Runs turns: state and emissions take effect together at the end, or not at all.</summary>
internal sealed partial class OperatorHost
{
    /// <summary>An output of a flagged turn may repeat what its destination has: this owner does not process the event for the first time.</summary>
    private bool IsFlagged(Grain grain, long offset) => !Mutations.NeverFlag && (offset <= grain.Completed || new Offset(offset).Epoch != _partition.Epoch);

    private void Run(Grain grain, in Input input, in Row row)
    {
        grain.Use(_silo.NowMs);
        if ((row.Kind != RecordKind.Event || _partition.Self.HasDecisions) && PassOver(grain, in input))
        {
            return;
        }

        // Where copies are cheap a turn that throws is undone from one; else the grain's checkpoint is read again.
        UndoCopy? undo = grain.Undo;
        if (Type.CheapCopies)
        {
            Type.SaveState(grain.Instance);
            if (input.Slot != 0 && grain.Foreign is null && input.Block.VectorOf(input.Slot)?.Prune(_silo.Journals) is not null)
            {
                undo = _silo.SpareCopies.Take();
                undo.Take(grain, Type.SavedState());
            }
        }

        TurnContext context = _silo.RentContext();
        context.Begin(this, grain.Key, input.Offset, row.Time);
        if (_elsewhere)
        {
            RunElsewhere(grain, in input, in row, context, undo);
            return;
        }

        ValueTask running;
        _silo.RunningOffset = input.Offset;
        _silo.Running = this;
        try
        {
            running = Invoke(grain.Instance, RequestOf(grain, in row), in row, context);
        }
        catch (Exception e)
        {
            running = ValueTask.FromException(e);
        }

        _silo.Running = null;

        if (running.IsCompletedSuccessfully)
        {
            EndTurn(grain, in input, row.Key, context, undo);
            _silo.ReturnContext(context);
            return;
        }

        byte[]? before = Type.CheapCopies ? Type.SavedState().ToArray() : null;
        if (running.IsCompleted)
        {
            context.End();
            _silo.ReturnContext(context);
            Threw(grain, in input, running.AsTask().Exception!.InnerException ?? running.AsTask().Exception!, before);
            return;
        }

        input.Block.Pins++;
        grain.Turn = new Turn(this, grain, in input, context, _silo.NowMs) { StateBefore = before, Undo = undo, Task = running.AsTask() };
        _silo.Track(grain.Turn);
    }

    /// <summary>Takes a record for which no turn runs: a decision, an event that one leaves out, what is no longer waited for.</summary>
    private bool PassOver(Grain grain, in Input input)
    {
        if (input.Kind != RecordKind.Decision && _partition.Self.HasDecisions && !Mutations.ForgetDecisions
            && _partition.Self.FindDecision(Id, grain.Key, input.Offset) is { } decision)
        {
            LeaveOut(grain, in input, decision);
            return true;
        }

        // A timer or an answer may have been cancelled or replaced since it fired.
        if (input.Kind != RecordKind.Event && (input.Kind == RecordKind.Decision || FindRequest(grain, input.Kind, input.Name) is null))
        {
            Absorb(grain, input.Block, input.Slot);
            Advance(grain, input.Offset);
            _silo.Probe?.Passed(this, grain, input.Offset);
            return true;
        }

        return false;
    }

    /// <summary>What the grain asked for, when the record is an answer.</summary>
    private static PendingRequest? RequestOf(Grain grain, in Row row) => row.Kind == RecordKind.CallResult ? FindRequest(grain, row.Kind, row.Name) : null;

    /// <summary>Runs the user's code; from any thread.</summary>
    public ValueTask Invoke(OperatorGrain? instance, PendingRequest? request, in Row row, TurnContext context) => row.Kind switch
    {
        RecordKind.Timer => Type.OnTimer(instance, Encoding.UTF8.GetString(row.Payload), context),
        RecordKind.CallResult => Type.OnResult(instance, request!.Tag, request.Request, row.Payload, context),
        _ => Type.OnEvent(instance, row.TypeIndex, row.Payload, context),
    };

    private void RunElsewhere(Grain grain, in Input input, in Row row, TurnContext context, UndoCopy? undo)
    {
        input.Block.Pins++;
        var turn = new HostedTurn(this, grain, in input, in row, context, RequestOf(grain, in row), _silo.NowMs) { Undo = undo };
        grain.Turn = turn;
        _silo.Track(turn);
        _silo.Ports.Run(turn);
    }

    /// <summary>A turn that runs elsewhere waits for something, or has ended: the next may begin. From any thread.</summary>
    public void TurnReturned() => _silo.TurnReturned();

    /// <summary>An asynchronous turn has ended; goes on with the grain's next events.</summary>
    public void TurnEnded(Turn turn)
    {
        Grain grain = turn.Grain;
        turn.Input.Block.Pins--;
        if (((turn.Discarded || _partition.Lost) && !Mutations.KeepLostTurns) || grain.Turn != turn)
        {
            turn.Context.End();
            return;
        }

        if (_partition.TurnsStopped && !(Mutations.KeepLostTurns && _partition.Lost))
        {
            // A planned move waits for the partition to rest: the successor processes the event.
            Rollback(grain);
            return;
        }

        grain.Turn = null;
        if (turn.Error is not { } error)
        {
            EndTurn(grain, turn.Input, grain.Key, turn.Context, turn.Undo);
            if (turn is HostedTurn { InOneGo: true })
            {
                _silo.ReturnContext(turn.Context);
            }
        }
        else
        {
            turn.Context.End();
            Threw(grain, turn.Input, error, turn.Before);
        }

        if (grain.CopyWanted)
        {
            _partition.Checkpoints.CaptureLate(this, grain);
        }

        AnswerReads(); // A grain that always has another turn to take would never answer.
        DrainMailbox(grain);
        if (grain is { Phase: GrainPhase.Ready, Turn: null, Behind: true, CatchingUp: false })
        {
            StartCatchUp(grain);
        }
    }

    /// <param name="grain">Whose turn it was.</param>
    /// <param name="input">What it has consumed.</param>
    /// <param name="key">The grain's key; its own would be another place in memory to wait for.</param>
    /// <param name="context">What it has emitted and asked for.</param>
    /// <param name="undo">The copy to go back to if something is lost.</param>
    private void EndTurn(Grain grain, in Input input, ReadOnlySpan<byte> key, TurnContext context, UndoCopy? undo)
    {
        context.End();
        bool flagged = IsFlagged(grain, input.Offset);
        Absorb(grain, input.Block, input.Slot);
        if (grain.Foreign is null && undo is not null)
        {
            _silo.SpareCopies.Give(undo);
            undo = null;
        }

        grain.Undo = undo;
        if (input.Kind is RecordKind.Timer or RecordKind.CallResult)
        {
            RecordName name = input.Name;
            grain.Pending!.RemoveAll(r => r.Name == name);
        }

        TakeRequests(grain, context);
        Advance(grain, input.Offset);
        _silo.Probe?.Consumed(this, grain, input.Offset, flagged);
        Send(grain, key, input.Offset, context, flagged);
    }

    private void Send(Grain grain, ReadOnlySpan<byte> key, long offset, TurnContext context, bool flagged)
    {
        if (context.Outputs.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<byte> producer = context.Keep(key); // The block that has the key may move when it gets an output.
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

    /// <summary>The state now depends on the record and on all that the record depends on.</summary>
    private void Absorb(Grain grain, LogBlock block, int slot)
    {
        if (block.Journal == _silo.Journal.Id)
        {
            grain.OwnLsn = Math.Max(grain.OwnLsn, block.Lsn);
        }

        CausalityVector? vector = Mutations.PruneUnstable && _silo.Journals.IsDurable(block.Journal, block.Lsn) ? null : block.VectorOf(slot)?.Prune(_silo.Journals);
        if (vector is null && grain.Foreign is null)
        {
            return;
        }

        grain.Foreign = CausalityVector.Merge(grain.Foreign?.Prune(_silo.Journals), vector);
        if (grain.Foreign is not null && !grain.InForeignList)
        {
            grain.InForeignList = true;
            _foreign.Enqueue(grain);
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
        Absorb(grain, input.Block, input.Slot);
        if (!Mutations.LeaveOutBare)
        {
            Absorb(grain, decision.Block, decision.Slot);
        }

        StreamDefinition? letters = Type.Definition.DeadLetters;
        TurnContext? context = null;
        if (letters is not null && Type.Definition.Options.OnFailure == FailurePolicy.DeadLetter)
        {
            string key = Type.KeyText(grain.Key);
            string what = row.Kind == RecordKind.Event ? _partition.Stream.Types[row.TypeIndex].Name : row.Kind.ToString();
            var letter = new DeadLetter(
                Type.Definition.Name, key, _partition.Stream.Name, new Offset(offset).ToString(), what, row.Payload.ToArray(), decision.Reason);
            context = _silo.RentContext();
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
            Send(grain, grain.Key, offset, context, flagged);
            _silo.ReturnContext(context);
        }
    }
}
