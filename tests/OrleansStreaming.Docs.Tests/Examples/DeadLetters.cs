using System.Text;

namespace OrleansStreaming.Docs.Tests.Examples.DeadLetters;

#region checked
public sealed record Transfer(string Account, int Amount);

public struct Balance
{
    public long Amount;
}

public sealed class Balances : OperatorGrain<Balance>, IConsume<Transfer>
{
    public ValueTask OnEvent(Transfer transfer, EventContext context)
    {
        State.Amount += transfer.Amount;
        return State.Amount >= 0 ? default : throw new InvalidOperationException($"account {Key} would stand at {State.Amount}");
    }
}
#endregion

internal static class Topology
{
    public static StreamingBuilder AddBalances(this StreamingBuilder streaming, Action<string> report) =>
        #region topology
        streaming
            .AddStream<Transfer>("transfers", keyedBy: t => t.Account)
            .AddOperator<Balances>(from: "transfers", configure: o =>
            {
                o.OnFailure = FailurePolicy.DeadLetter; // The default; the others are Skip, Stop and StopPartition.
                o.MaxAttempts = 2;
                o.RetryDelay = TimeSpan.FromMilliseconds(5);
            })
            .AddSink<DeadLetter>(from: "Balances.deadletters", _ => new DelegateSink<DeadLetter>(
                letter => report($"{letter.Key} at {letter.Offset}: {Encoding.UTF8.GetString(letter.Payload)}")));
        #endregion
}
