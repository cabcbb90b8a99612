using System.Text;

namespace OrleansStreaming.Core;

/// <summary>Runs turns: state and emissions take effect together at the end, or not at all.</summary>
internal sealed partial class OperatorHost
{
    private void Run(Grain grain, in Input input, in Row row)
    {
        grain.Use(_silo.NowMs);
        if ((row.Kind != RecordKind.Event || _partition.Self.HasDecisions) && PassOver(grain, in input))
        {
            return;
        }

        // Where copies are cheap a turn that throws is undone from one; else the grain's checkpoint is read again.
        if (Type.CheapCopies)
        {
            Type.SaveState(grain.Instance);
        }

        TurnContext context = _silo.Context;
        context.Begin(this, row.Key, input.Offset, row.Time);
        if (_elsewhere)
        {
            RunElsewhere(grain, in input, in row, context);
            return;
        }

        ValueTask running;
        _silo.Enter(this, input.Offset);
        try
        {
            running = Invoke(grain.Instance, RequestOf(grain, in row), in row, context);
        }
        catch (Exception e)
        {
            running = ValueTask.FromException(e);
        }

        _silo.Leave();
        if (running.IsCompletedSuccessfully)
        {
            EndTurn(grain, in input, context);
            return;
        }

        byte[]? before = Type.CheapCopies ? Type.SavedState().ToArray() : null;
        if (running.IsCompleted)
        {
            context.End();
            Threw(grain, in input, running.AsTask().Exception!.InnerException ?? running.AsTask().Exception!, before);
            return;
        }

        _silo.KeepContext();
        input.Block.Pins++;
        grain.Turn = new Turn(this, grain, in input, context, _silo.NowMs) { StateBefore = before, Task = running.AsTask() };
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
            AbsorbPassed(grain, input.Block, input.Slot);
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

    private void RunElsewhere(Grain grain, in Input input, in Row row, TurnContext context)
    {
        _silo.KeepContext();
        input.Block.Pins++;
        var turn = new HostedTurn(this, grain, in input, in row, context, RequestOf(grain, in row), _silo.NowMs);
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
            EndTurn(grain, turn.Input, turn.Context, turn);
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
}
