using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>Hands what other silos ask to the engine of this one.</summary>
internal sealed class SiloService(GrainId id, Orleans.Runtime.Silo silo, ILoggerFactory loggers, StreamingEngine engine, OrleansCluster cluster)
    : GrainService(id, silo, loggers), ISiloService
{
    public Task DeliverAsync(int toJournal, WireBytes messages)
    {
        if (cluster.FindLocal(toJournal) is { } incarnation)
        {
            var from = new WireReader(messages.Memory.Span);
            while (!from.AtEnd)
            {
                incarnation.Post(MessageCodec.Read(ref from));
            }
        }

        messages.Return();
        return Task.CompletedTask; // To an incarnation that is gone: lost, as messages may be.
    }

    public async Task<byte[]> IngestAsync(WireBytes batches)
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IngestResult[] results = [];
        int waiting = 0;
        List<IngestBatch> read = IngestCodec.Read(batches.Memory, (place, result) =>
        {
            results[place] = result;
            if (Interlocked.Decrement(ref waiting) == 0)
            {
                answered.TrySetResult();
            }
        });
        results = new IngestResult[read.Count];
        waiting = read.Count;
        if (cluster.Local is { } incarnation && read.Count > 0)
        {
            incarnation.Post(read);
            await answered.Task;
        }
        else
        {
            Array.Fill(results, new IngestResult(IngestStatus.NotHere));
        }

        batches.Return();
        return IngestCodec.Write(results);
    }

    public async Task<byte[]> ReadAsync(int operatorId, int partition, byte[] key, bool stable)
    {
        if (cluster.Local is not { } incarnation)
        {
            return StateCodec.Write(StateAnswer.Moved);
        }

        using var limit = new CancellationTokenSource(engine.Options.RequestTimeout);
        var answer = new TaskCompletionSource<StateAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        incarnation.Post(new StateQuery(operatorId, partition, key, stable, a => answer.TrySetResult(a), limit.Token));
        return StateCodec.Write(await answer.Task.WaitAsync(limit.Token));
    }

    public async Task<byte[]?> KeysAsync(int operatorId, int partition)
    {
        OperatorDefinition? definition = engine.Topology.Operators.FirstOrDefault(o => o.Id == operatorId);
        if (definition is null || cluster.Local is not ISiloLink link)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(engine.Options.RequestTimeout);
        return await link.KeysAsync(definition, partition, limit.Token) is { } keys ? StateCodec.WriteKeys(keys) : null;
    }

    public async Task<byte[]> ReportAsync() => EngineReport.ToBytes(await engine.ReportAsync());

    public Task NotifyAsync(SiloNotice notice, string host, int journal)
    {
        cluster.Take(notice, host, journal);
        return Task.CompletedTask;
    }
}
