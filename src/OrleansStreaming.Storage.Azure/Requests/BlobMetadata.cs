namespace OrleansStreaming.Storage.Azure;

/// <summary>What is noted beside a blob's content, the one place that knows the keys.</summary>
/// <param name="Write">The write that made this version: tells a writer who got no answer that it was his.</param>
/// <param name="Over">The write before it.</param>
/// <param name="IsFence">It takes the place of a journal's next segment, so that there will be none.</param>
internal readonly record struct BlobMetadata(string? Write, string? Over, bool IsFence)
{
    private const string WriteKey = "write";
    private const string OverKey = "over";
    private const string FenceKey = "fence";
    public const string None = "none";

    /// <summary>That of a new write.</summary>
    public static BlobMetadata New() => new(Guid.NewGuid().ToString("N"), null, IsFence: false);

    public static BlobMetadata Of(IDictionary<string, string>? found) => found is null
        ? default
        : new BlobMetadata(found.TryGetValue(WriteKey, out string? write) ? write : null, found.TryGetValue(OverKey, out string? over) ? over : null, found.ContainsKey(FenceKey));

    public Dictionary<string, string> ToDictionary()
    {
        var all = new Dictionary<string, string> { [WriteKey] = Write ?? None, [OverKey] = Over ?? None };
        if (IsFence)
        {
            all.Add(FenceKey, "1");
        }

        return all;
    }
}
