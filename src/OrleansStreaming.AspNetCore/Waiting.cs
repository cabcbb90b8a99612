using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansStreaming.AspNetCore;

/// <summary>How long a request may wait: until its client goes away, its time is over, or the application stops.</summary>
internal sealed class Waiting : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _onStop;
    private readonly HttpContext _http;
    private readonly CancellationToken _stopping;
    private TimeSpan _limit = Timeout.InfiniteTimeSpan;

    /// <param name="http">The request.</param>
    /// <param name="afterStop">How much longer it may wait once the application stops.</param>
    public Waiting(HttpContext http, TimeSpan afterStop)
    {
        _http = http;
        _stopping = http.RequestServices.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        _source = source;
        _onStop = _stopping.Register(() => source.CancelAfter(afterStop));
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The client has gone away: there is nobody to answer.</summary>
    public bool Abandoned => _http.RequestAborted.IsCancellationRequested;

    /// <summary>From now on it waits for the engine, not for its client.</summary>
    public void Begin(TimeSpan limit)
    {
        _limit = limit;
        if (!_stopping.IsCancellationRequested)
        {
            _source.CancelAfter(limit);
        }
    }

    /// <summary>Answers a request that waited in vain.</summary>
    /// <param name="what">What did not happen.</param>
    public Task ReplyAsync(string what) =>
        Abandoned ? Task.CompletedTask
        : _stopping.IsCancellationRequested ? Problems.Stopping().WriteAsync(_http)
        : Problems.NotInTime(what, _limit).WriteAsync(_http);

    public void Dispose()
    {
        _onStop.Dispose();
        _source.Dispose();
    }
}
