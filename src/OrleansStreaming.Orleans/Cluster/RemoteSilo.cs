using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The way to the writer of one journal in another process. Messages go out in the order in which they came, one call at a
/// time: what comes meanwhile goes with the next.
/// </summary>
internal sealed class RemoteSilo : ISiloLink, IAsyncDisposable
{
    /// <summary>More that waits is dropped: the protocol sends it again.</summary>
    private const int MaxWaiting = 65_536;
    private const int BytesPerCall = 256 << 10;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(50);
    private readonly ISiloService _service;
    private readonly int _journal;
    private readonly ILogger _logger;
    private readonly Channel<SiloMessage> _waiting = Channel.CreateBounded<SiloMessage>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _sending;

    public RemoteSilo(ISiloService service, SiloAddress address, int journal, ILogger logger)
    {
        _service = service;
        _journal = journal;
        _logger = logger;
        Address = address;
        _sending = Task.Run(SendAsync);
    }

    public SiloAddress Address { get; }

    public void Send(SiloMessage message) => _waiting.Writer.TryWrite(message);

    public void Ingest(IngestBatch batch) => Ingest([batch]);

    public void Ingest(List<IngestBatch> batches) => _ = IngestAsync(batches);

    public void Read(StateQuery query) => _ = ReadAsync(query);

    public async Task<IReadOnlyCollection<byte[]>?> KeysAsync(OperatorDefinition definition, int partition, CancellationToken cancellationToken)
    {
        try
        {
            byte[]? answer = await _service.KeysAsync(definition.Id, partition).WaitAsync(cancellationToken).ConfigureAwait(false);
            return answer is null ? null : StateCodec.ReadKeys(answer);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            ClusterLog.CallFailed(_logger, Address, e);
            return null;
        }
    }

    /// <summary>What the other process reports; null when it does not answer.</summary>
    public async Task<EngineReport?> ReportAsync(TimeSpan limit)
    {
        try
        {
            return EngineReport.Parse(await _service.ReportAsync().WaitAsync(limit).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            ClusterLog.CallFailed(_logger, Address, e);
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task SendAsync()
    {
        var bytes = new WireWriter();
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(_stopping.Token).ConfigureAwait(false))
            {
                while (bytes.Length < BytesPerCall && _waiting.Reader.TryRead(out SiloMessage? message))
                {
                    MessageCodec.Write(bytes, message);
                }

                WireBytes taken = bytes.Take();
                try
                {
                    await _service.DeliverAsync(_journal, taken).WaitAsync(_stopping.Token).ConfigureAwait(false);
                    taken.Return(); // Not where the call fails, see below.
                }
                catch (Exception e) when (!_stopping.IsCancellationRequested)
                {
                    ClusterLog.CallFailed(_logger, Address, e);
                    await Task.Delay(AfterFailure, _stopping.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The other silo is gone, or this one stops.
        }
    }

    private async Task IngestAsync(List<IngestBatch> batches)
    {
        IngestResult[] results;
        try
        {
            WireBytes bytes = IngestCodec.Write(batches);
            results = IngestCodec.Read(await _service.IngestAsync(bytes).ConfigureAwait(false));
            bytes.Return(); // Not where the call fails: it may still be on its way out, and is then sent as it is.
            if (results.Length != batches.Count)
            {
                throw new InvalidDataException($"{results.Length} answers to {batches.Count} batches");
            }
        }
        catch (Exception e)
        {
            // It may have been taken or not. What has a producer or comes from a source is known by its name when it is sent again.
            ClusterLog.CallFailed(_logger, Address, e);
            results = new IngestResult[batches.Count];
            Array.Fill(results, new IngestResult(IngestStatus.NotHere));
        }

        for (int i = 0; i < batches.Count; i++)
        {
            batches[i].Done(results[i]);
        }
    }

    private async Task ReadAsync(StateQuery query)
    {
        StateAnswer answer = StateAnswer.Moved;
        try
        {
            answer = StateCodec.Read(await _service.ReadAsync(query.OperatorId, query.Partition, query.Key, query.Stable).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            ClusterLog.CallFailed(_logger, Address, e);
        }

        query.Answer(answer);
    }
}
