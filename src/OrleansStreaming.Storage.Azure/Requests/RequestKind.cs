namespace OrleansStreaming.Storage.Azure;

/// <summary>Kinds of requests, as they are counted and paid for.</summary>
public enum RequestKind
{
    /// <summary>Append Block: a batch of frames.</summary>
    Append,

    /// <summary>Put Blob for an append blob: a segment of a journal, or a fence.</summary>
    Create,

    /// <summary>Append Blob Seal.</summary>
    Seal,

    /// <summary>Put Blob, Put Block, Put Block List: a record, a run.</summary>
    Write,

    /// <summary>Get Blob: a range of frames or of a run, a record.</summary>
    Read,

    /// <summary>Get Blob Properties.</summary>
    Look,

    /// <summary>List Blobs: one page; and making the container.</summary>
    List,

    /// <summary>Delete Blob: not paid for.</summary>
    Delete,
}
