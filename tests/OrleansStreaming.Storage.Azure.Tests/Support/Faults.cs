using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>What becomes of a request.</summary>
internal enum Fault
{
    None,

    /// <summary>The connection breaks before the service sees it.</summary>
    LoseRequest,

    /// <summary>The service does it; the connection breaks before the answer comes.</summary>
    LoseAnswer,

    /// <summary>The service says that something went wrong, and has not done it.</summary>
    FailBefore,

    /// <summary>The service says that something went wrong, and has done it.</summary>
    FailAfter,

    /// <summary>The client or a proxy sends it twice; the second answer is heard.</summary>
    SendTwice,

    /// <summary>There is no space.</summary>
    Full,

    /// <summary>The service does it and never answers.</summary>
    NeverAnswer,
}

/// <summary>Disturbs requests on their way.</summary>
internal sealed class Faults : HttpPipelinePolicy
{
    private int _requests;

    /// <summary>Decides what becomes of a request.</summary>
    public Func<Asked, Fault> Decide { get; set; } = _ => Fault.None;

    /// <summary>Called before a request is sent, and may wait.</summary>
    public Func<Asked, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called after a request has been answered, and may wait.</summary>
    public Func<Asked, Task> After { get; set; } = _ => Task.CompletedTask;

    public int Requests => _requests;

    /// <summary>Disturbs the next request of a kind, once.</summary>
    public void Once(Func<Asked, bool> which, Fault fault, int times = 1) =>
        Decide = asked => which(asked) && Interlocked.Decrement(ref times) >= 0 ? fault : Fault.None;

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        Interlocked.Increment(ref _requests);
        long length = message.Request.Content is { } content && content.TryComputeLength(out long known) ? known : 0;
        var asked = new Asked(message.Request.Method.Method, message.Request.Uri.ToString(), length, message.Request.Headers.TryGetValue("If-Match", out string? version) ? version : null);
        await Before(asked).WaitAsync(message.CancellationToken);
        switch (Decide(asked))
        {
            case Fault.LoseRequest:
                throw new RequestFailedException("the connection was reset", new IOException("reset before"));
            case Fault.LoseAnswer:
                await ProcessNextAsync(message, pipeline);
                throw new RequestFailedException("the connection was reset", new IOException("reset after"));
            case Fault.FailBefore:
                throw new RequestFailedException(500, "it went wrong", "InternalError", null);
            case Fault.FailAfter:
                await ProcessNextAsync(message, pipeline);
                throw new RequestFailedException(500, "it went wrong", "OperationTimedOut", null);
            case Fault.SendTwice:
                await ProcessNextAsync(message, pipeline);
                await ProcessNextAsync(message, pipeline);
                break;
            case Fault.Full:
                throw new RequestFailedException(507, "no space", "InsufficientStorage", null);
            case Fault.NeverAnswer:
                await ProcessNextAsync(message, pipeline);
                await Task.Delay(Timeout.Infinite, message.CancellationToken);
                break;
            default:
                await ProcessNextAsync(message, pipeline);
                break;
        }

        await After(asked).WaitAsync(message.CancellationToken);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("all requests are asynchronous");
}

/// <summary>A request.</summary>
internal readonly record struct Asked(string Method, string Address, long Length, string? IfMatch)
{
    /// <summary>Not the marks in a fence, which are shorter than any frame.</summary>
    public bool IsAppend => Method == "PUT" && Address.Contains("comp=appendblock", StringComparison.Ordinal) && Length > Core.JournalMark.Size;

    public bool IsSeal => Address.Contains("comp=seal", StringComparison.Ordinal);

    public bool IsRecordWrite => Method == "PUT" && Address.Contains("/records/", StringComparison.Ordinal);

    public bool IsRunWrite => Method == "PUT" && Address.Contains("/runs/", StringComparison.Ordinal);

    public bool IsCreateSegment => Method == "PUT" && Address.Contains("/journals/", StringComparison.Ordinal) && !Address.Contains("comp=", StringComparison.Ordinal);
}
