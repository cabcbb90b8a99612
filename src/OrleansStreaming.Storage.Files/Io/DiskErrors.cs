using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Tells the failures apart that the protocol treats differently.</summary>
internal static class DiskErrors
{
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsQuotaExceeded = unchecked((int)0x8007050F);
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int NoSpace = 28;
    private const int QuotaExceededLinux = 122;
    private const int QuotaExceededMac = 69;
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMac = 35;

    /// <summary>Whether a failure is one of the file system, as opposed to a mistake in the program.</summary>
    public static bool IsDiskError(Exception e) => e is UnauthorizedAccessException or (IOException and not StorageException);

    /// <summary>Whether there is no space, or no more quota.</summary>
    public static bool IsFull(Exception e) => e is IOException && (OperatingSystem.IsWindows()
        ? e.HResult is WindowsDiskFull or WindowsHandleDiskFull or WindowsQuotaExceeded
        : e.HResult is NoSpace or WindowsDiskFull || e.HResult == (OperatingSystem.IsMacOS() ? QuotaExceededMac : QuotaExceededLinux));

    /// <summary>Whether another holds the lock.</summary>
    public static bool IsInUse(IOException e) => e.HResult is WindowsSharingViolation
        || (!OperatingSystem.IsWindows() && e.HResult is WouldBlockLinux or WouldBlockMac);

    /// <summary>The exception of the contract for a failure of the file system.</summary>
    /// <param name="e">The failure.</param>
    /// <param name="doing">What was being done, with the path.</param>
    /// <param name="ambiguous">Whether it may have taken effect; no space is then reported as an ordinary failure.</param>
    public static StorageException Translate(Exception e, string doing, bool ambiguous = false) =>
        IsFull(e) && !ambiguous
            ? new StorageFullException($"No space left: {doing}: {e.Message}", e)
            : new StorageException($"Storage failed: {doing}: {e.Message}", e) { Ambiguous = ambiguous };
}
