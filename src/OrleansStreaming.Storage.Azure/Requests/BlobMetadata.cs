namespace OrleansStreaming.Storage.Azure;

/// <summary>What is noted beside a blob's content, the one place that knows the keys.</summary>
/// <param name="Write">The write that made this version: tells a writer who got no answer that it was his.</param>
/// <param name="Over">The write before it.</param>
/// <param name="IsFence">It takes the place of a journal's next segment, so that there will be none.</param>
/// <param name="Confirmed">Up to where the writer's journals were confirmed when it was written; see <see cref="ConfirmedPlace"/>.</param>
internal readonly record struct BlobMetadata(string? Write, string? Over, bool IsFence, string? Confirmed)
{
    private const string WriteKey = "write";
    private const string OverKey = "over";
    private const string FenceKey = "fence";
    private const string ConfirmedKey = "confirmed";
    public const string None = "none";

    /// <summary>That of a new write.</summary>
    public static BlobMetadata New() => new(Guid.NewGuid().ToString("N"), null, IsFence: false, null);

    public static BlobMetadata Of(IDictionary<string, string>? found) => found is null
        ? default
        : new BlobMetadata(Value(found, WriteKey), Value(found, OverKey), found.ContainsKey(FenceKey), Value(found, ConfirmedKey));

    public Dictionary<string, string> ToDictionary()
    {
        var all = new Dictionary<string, string> { [WriteKey] = Write ?? None, [OverKey] = Over ?? None };
        if (IsFence)
        {
            all.Add(FenceKey, "1");
        }

        if (Confirmed is not null)
        {
            all.Add(ConfirmedKey, Confirmed);
        }

        return all;
    }

    private static string? Value(IDictionary<string, string> found, string key) => found.TryGetValue(key, out string? value) ? value : null;
}
