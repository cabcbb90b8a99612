using Azure;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Tells the failures apart that matter, and words them. What the service answers is never repeated in whole: the answer to
/// a request that was not allowed can hold a signature, hence only status, code and the request's id.
/// </summary>
internal static class BlobErrors
{
    private const int InsufficientStorage = 507;

    /// <summary>Whether a failure is one of the store or of the way there, as opposed to a mistake in the program.</summary>
    public static bool IsStoreError(Exception e) => e is RequestFailedException or TimeoutException or HttpRequestException
        || (e is IOException and not StorageException)
        || (e is AggregateException all && all.InnerExceptions.All(IsStoreError))
        || IsCredentialError(e);

    /// <summary>Whether the same request may succeed later.</summary>
    public static bool IsTransient(Exception e) => e switch
    {
        RequestFailedException failed => failed.Status is 0 or 408 or 429 or 500 or 502 or 503 or 504,
        AggregateException all => all.InnerExceptions.All(IsTransient),
        _ => e is TimeoutException or HttpRequestException or (IOException and not StorageException),
    };

    public static bool Is(Exception e, int status) => e is RequestFailedException failed && failed.Status == status;

    /// <summary>Whether there is no such blob, as opposed to no such container.</summary>
    public static bool IsMissing(Exception e) => e is RequestFailedException { Status: 404 } failed && failed.ErrorCode != "ContainerNotFound";

    public static bool IsFull(Exception e) => Is(e, InsufficientStorage);

    /// <summary>The exception of the contract for a failure of the store.</summary>
    /// <param name="e">The failure.</param>
    /// <param name="doing">What was being done, with the blob's name.</param>
    /// <param name="ambiguous">Whether it may have taken effect.</param>
    public static StorageException Translate(Exception e, string doing, bool ambiguous = false) =>
        IsFull(e) && !ambiguous
            ? new StorageFullException($"No space left: {doing}: {Describe(e)}")
            : new StorageException($"Storage failed: {doing}: {Describe(e)}") { Ambiguous = ambiguous };

    /// <summary>What went wrong, without anything secret.</summary>
    public static string Describe(Exception e) => e switch
    {
        RequestFailedException { Status: not 0 } failed =>
            $"the service answered {failed.Status} {failed.ErrorCode ?? "without a code"}{(RequestId(failed) is { } id ? $" (request {id})" : "")}",
        RequestFailedException failed => $"no answer: {Innermost(failed)}",
        AggregateException all => $"no answer: {Innermost(all.InnerExceptions[^1])}",
        TimeoutException => e.Message,
        _ => $"no answer: {Innermost(e)}",
    };

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }

        return e is RequestFailedException ? "the connection failed" : $"{e.GetType().Name}: {e.Message}";
    }

    private static string? RequestId(RequestFailedException failed) =>
        failed.GetRawResponse() is { } response && response.Headers.TryGetValue("x-ms-request-id", out string? id) ? id : null;

    /// <summary>Those of Azure.Identity, which need not be referenced for this.</summary>
    private static bool IsCredentialError(Exception e) => e.GetType().Namespace == "Azure.Identity";
}
