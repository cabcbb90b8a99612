namespace OrleansStreaming.Topologies;

/// <summary>The types that a key can have. Stored with the deployment: do not renumber.</summary>
internal enum KeyKind
{
    String = 0,
    Int64 = 1,
    Guid = 2,
}
