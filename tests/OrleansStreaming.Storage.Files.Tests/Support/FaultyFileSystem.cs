namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Files of which chosen operations fail.</summary>
internal sealed class FaultyFileSystem : RecordingFileSystem
{
    public const int InputOutputError = 5;
    public const int NoSpace = 28;
    public const int QuotaExceeded = 122;

    private int _remaining;

    /// <summary>How many operations were made to fail.</summary>
    public int Failures { get; private set; }

    public static IOException Error(int number) => new($"simulated error {number}", number);

    /// <summary>Lets the nth operation of those that match fail, and counts from there on no more.</summary>
    public void FailNth(int n, int error, Func<FileOperation, bool> matches, int? shortWriteBytes = null, bool forEver = false)
    {
        _remaining = n;
        Before = operation =>
        {
            if (!matches(operation) || (Interlocked.Decrement(ref _remaining) is not 0 and var left && !(forEver && left < 0)))
            {
                return;
            }

            Failures++;
            Exception failure = Error(error);
            throw operation.Call == FileCall.Write && shortWriteBytes is { } bytes ? new ShortWriteException(bytes, failure) : failure;
        };
    }
}
