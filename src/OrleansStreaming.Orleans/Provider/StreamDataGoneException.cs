using Orleans.Streams;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Events that a subscription asked for are not retained any more. Given to the observer's <c>OnErrorAsync</c>; the
/// subscription goes on with the earliest event of its stream that there is.
/// </summary>
[GenerateSerializer]
[Alias("OrleansStreaming.StreamDataGoneException")]
public sealed class StreamDataGoneException : DataNotAvailableException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">Says what is gone.</param>
    public StreamDataGoneException(string message)
        : base(message)
    {
    }
}
