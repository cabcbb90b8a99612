using System.Collections.Concurrent;
using Azure.Core;
using Azure.Core.Pipeline;
using Request = Azure.Core.Request;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>
/// Disturbs requests next to the network, as the network and the service do. Which number of request is disturbed, and how,
/// follows from the seed; which request has that number is up to the threads.
/// </summary>
internal sealed class RandomFaults(int seed, FaultRates rates) : HttpPipelinePolicy, IAsyncDisposable
{
    private static readonly HttpClient Others = new();
    private readonly Random _random = new(seed);
    private readonly ConcurrentDictionary<string, int> _counts = [];
    private readonly ConcurrentBag<Task> _late = [];
    private readonly ConcurrentQueue<string> _log = [];

    /// <summary>Off, all goes well.</summary>
    public bool IsOn { get; set; } = true;

    /// <summary>How often what happened.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    /// <summary>The last requests, and what became of them.</summary>
    public IEnumerable<string> Log => _log;

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        string fault = IsOn ? Draw() : "";
        string answer = "no answer";
        try
        {
            await ProcessAsync(message, pipeline, fault);
            answer = $"{message.Response.Status} {(message.Response.Headers.TryGetValue("x-ms-error-code", out string? code) ? code : "")}";
        }
        finally
        {
            _log.Enqueue($"{message.Request.Method} {message.Request.Uri.PathAndQuery}: {fault} {answer}");
            if (_log.Count > 40)
            {
                _log.TryDequeue(out _);
            }
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("all requests are asynchronous");

    private async Task ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline, string fault)
    {
        bool reads = message.Request.Method == RequestMethod.Get || message.Request.Method == RequestMethod.Head;
        switch (fault)
        {
            case nameof(FaultRates.Conflict) when !reads:
                message.Response = new FaultResponse(409, "BlobImmutableDueToPolicy");
                return;
            case nameof(FaultRates.TooMany):
                message.Response = new FaultResponse(429, "TooManyRequests");
                return;
            case nameof(FaultRates.Busy):
                message.Response = new FaultResponse(503, "ServerBusy");
                return;
            case nameof(FaultRates.Error):
                if (Below(2) == 0)
                {
                    await ProcessNextAsync(message, pipeline);
                    message.Response.Dispose();
                }

                message.Response = new FaultResponse(500, "InternalError");
                return;
            case nameof(FaultRates.SentTwice):
                await ProcessNextAsync(message, pipeline);
                message.Response.Dispose();
                await ProcessNextAsync(message, pipeline);
                return;
            case nameof(FaultRates.TimeoutBefore):
                await Task.Delay(Timeout.Infinite, message.CancellationToken);
                return;
            case nameof(FaultRates.TimeoutAfter):
                await ProcessNextAsync(message, pipeline);
                await Task.Delay(Timeout.Infinite, message.CancellationToken);
                return;
            case nameof(FaultRates.DropBefore):
                throw Dropped();
            case nameof(FaultRates.DropAfter):
                await ProcessNextAsync(message, pipeline);
                throw Dropped();
            case nameof(FaultRates.Late) when !reads && !message.Request.Uri.ToString().Contains("/runs/", StringComparison.Ordinal):

                // A run that comes when it has been deleted is there again. Nothing names it, and who opens the partition next deletes it.
                _late.Add(SendLaterAsync(await CopyAsync(message.Request), TimeSpan.FromMilliseconds(Below(2) == 0 ? Below(20) : Below(400))));
                throw Dropped();
            case nameof(FaultRates.DropBody):
                await ProcessNextAsync(message, pipeline);
                Replace(message, bytes => new BadBody(bytes, Below(600), pause: 0));
                return;
            case nameof(FaultRates.SlowBody):
                await ProcessNextAsync(message, pipeline);
                Replace(message, bytes => new BadBody(bytes, int.MaxValue, pause: 2));
                return;
            default:
                await ProcessNextAsync(message, pipeline);
                return;
        }
    }

    /// <summary>Waits until the last late request has arrived.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_late);

    private static global::Azure.RequestFailedException Dropped() => new("Connection reset by peer", new IOException("Connection reset by peer"));

    private static void Replace(HttpMessage message, Func<Stream, Stream> body)
    {
        if (message.Response.ContentStream is { } content)
        {
            message.Response.ContentStream = body(content);
        }
    }

    private static async Task<HttpRequestMessage> CopyAsync(Request request)
    {
        var copy = new HttpRequestMessage(new HttpMethod(request.Method.Method), request.Uri.ToUri());
        if (request.Content is { } content)
        {
            var bytes = new MemoryStream();
            await content.WriteToAsync(bytes, CancellationToken.None);
            copy.Content = new ByteArrayContent(bytes.ToArray());
        }

        foreach (HttpHeader header in request.Headers)
        {
            if (!copy.Headers.TryAddWithoutValidation(header.Name, header.Value) && header.Name != "Content-Length")
            {
                copy.Content ??= new ByteArrayContent([]);
                copy.Content.Headers.TryAddWithoutValidation(header.Name, header.Value);
            }
        }

        return copy;
    }

    private async Task SendLaterAsync(HttpRequestMessage request, TimeSpan after)
    {
        await Task.Delay(after);
        try
        {
            using HttpResponseMessage answer = await Others.SendAsync(request);
            _counts.AddOrUpdate($"Late answered {(int)answer.StatusCode}", 1, (_, count) => count + 1);
        }
        catch (HttpRequestException)
        {
            // The service is gone by now.
        }
    }

    private string Draw()
    {
        int drawn = Below(1000);
        foreach ((string name, int rate) in rates.ToList())
        {
            if ((drawn -= rate) < 0)
            {
                _counts.AddOrUpdate(name, 1, (_, count) => count + 1);
                return name;
            }
        }

        return "";
    }

    private int Below(int limit)
    {
        lock (_random)
        {
            return _random.Next(limit);
        }
    }
}
