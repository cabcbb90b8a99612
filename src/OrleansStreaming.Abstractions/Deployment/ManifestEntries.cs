namespace OrleansStreaming.Topologies;

/// <summary>What is stored about an entry that may be retired: its name keeps its id for ever.</summary>
internal interface IManifestEntry
{
    int Id { get; }

    string Name { get; }

    /// <summary>No longer declared. Comes back under the same id when it is declared again.</summary>
    bool Retired { get; }
}

/// <summary>A stream.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Keys">The kind of its keys.</param>
/// <param name="Partitions">How many partitions it has.</param>
/// <param name="Types">The types it carries, in the order of their index.</param>
/// <param name="Retired">No longer declared.</param>
internal sealed record StreamEntry(int Id, string Name, KeyKind Keys, int Partitions, IReadOnlyList<TypeEntry> Types, bool Retired) : IManifestEntry;

/// <summary>A type with every schema that values may have been stored with, oldest first.</summary>
/// <param name="Name">See <see cref="EventType.Name"/>.</param>
/// <param name="Schemas">Not empty.</param>
internal sealed record TypeEntry(string Name, IReadOnlyList<string> Schemas);

/// <summary>An operator.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="From">The name of the stream that it reads.</param>
/// <param name="State">The type of its state; null for a relay, which has none.</param>
/// <param name="Retired">No longer declared.</param>
internal sealed record OperatorEntry(int Id, string Name, string From, TypeEntry? State, bool Retired) : IManifestEntry;

/// <summary>A sink.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="From">The name of the stream that it reads.</param>
/// <param name="Retired">No longer declared.</param>
internal sealed record SinkEntry(int Id, string Name, string From, bool Retired) : IManifestEntry;

/// <summary>The ids that were never given out. They only grow, so an id always means the same.</summary>
/// <param name="Stream">For the next new stream.</param>
/// <param name="Operator">For the next new operator.</param>
/// <param name="Sink">For the next new sink.</param>
internal sealed record NextIds(int Stream, int Operator, int Sink);
