namespace OrleansStreaming.Testing;

/// <summary>Azurite cannot be installed, started or stopped; the message says why, and what can be done.</summary>
public sealed class AzuriteException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why.</param>
    /// <param name="innerException">What it comes from.</param>
    public AzuriteException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
