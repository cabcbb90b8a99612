using System.Text.RegularExpressions;
using Azure;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>With the rights on the blobs of one container, and no others, everything can be done: infra/azure gives no others.</summary>
public sealed partial class RightsTests(Azurite azurite) : BlobTest(azurite)
{
    [Fact]
    public async Task The_rights_on_the_blobs_of_a_container_that_is_there_are_enough()
    {
        await Blobs.CreateAsync(cancellationToken: Cancel);
        Faults.Before = asked => Right(asked) is null ? throw new RequestFailedException(403, "denied", "AuthorizationPermissionMismatch", null) : Task.CompletedTask;
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentSizeBytes = 4096);
        await using (IJournalWriter writer = await storage.CreateJournalAsync("silo0-1", Cancel))
        {
            for (long lsn = 1; lsn <= 20; lsn++)
            {
                await writer.AppendAsync(lsn, lsn, bodyBytes: 1000);
            }
        }

        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("silo0-1", Cancel)).ShouldBe(20);
        (await other.ReadAllAsync("silo0-1")).ShouldBe(TestFrames.Lsns(1, 20));
        await other.TrimJournalAsync("silo0-1", 15, Cancel);
        string tag = (await other.SwapRecordAsync("r", null, "one"u8.ToArray(), Cancel)).ShouldNotBeNull();
        (await other.SwapRecordAsync("r", tag, "two"u8.ToArray(), Cancel)).ShouldNotBeNull();
        (await storage.ReadRecordAsync("r", Cancel)).ShouldNotBeNull();
        await other.WriteRunAsync("runs-0/1-1", new byte[9 << 20], Cancel);
        (await storage.ReadRunAsync("runs-0/1-1", 0, 100, Cancel)).Length.ShouldBe(100);
        (await storage.ListRunsAsync("runs-0", Cancel)).Count.ShouldBe(1);
        await storage.DeleteRunAsync("runs-0/1-1", Cancel);
    }

    [Fact]
    public async Task Without_the_right_to_make_a_container_that_is_missing_the_start_says_so()
    {
        _ = ConnectionString; // Skips where there is no emulator.
        Faults.Before = asked => Right(asked) is null ? throw new RequestFailedException(403, "denied", "AuthorizationPermissionMismatch", null) : Task.CompletedTask;
        StorageException refused = await Should.ThrowAsync<StorageException>(() => OpenAsync());
        refused.Message.ShouldContain(Container);
        refused.Message.ShouldContain("403 AuthorizationPermissionMismatch");
    }

    /// <summary>The right that a request needs, of those that the role of infra/azure has; null when it has none that suffices.</summary>
    private string? Right(Asked asked)
    {
        string path = new Uri(asked.Address).AbsolutePath;
        bool isBlob = path.Contains($"/{Container}/", StringComparison.Ordinal);
        return (asked.Method, isBlob) switch
        {
            ("GET" or "HEAD", true) => "blobs/read",
            ("PUT", true) => "blobs/write",
            ("DELETE", true) => "blobs/delete",
            ("GET", false) when asked.Address.Contains("comp=list", StringComparison.Ordinal) => "blobs/read",
            ("GET" or "HEAD", false) when ContainerProperties().IsMatch(asked.Address) => "containers/read",
            _ => null,
        };
    }

    [GeneratedRegex(@"\?restype=container$")]
    private static partial Regex ContainerProperties();
}
