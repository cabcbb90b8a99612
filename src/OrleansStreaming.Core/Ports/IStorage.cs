namespace OrleansStreaming.Core;

/// <summary>
/// What the protocol needs of storage. Implementations are thread-safe; every method may be called for different journals
/// and records at once, and for one journal only as its remarks say.
/// </summary>
/// <remarks>
/// <para>
/// Every operation that changes something is durable when its task completes. A call that throws
/// <see cref="StorageException"/> with <see cref="StorageException.Ambiguous"/> may or may not have taken effect, or take
/// effect later; without it, a swap has changed nothing. A call that is cancelled throws
/// <see cref="OperationCanceledException"/>: one that is given a cancelled token does nothing, any other may still take effect.
/// After disposal every call, those of writers too, throws <see cref="ObjectDisposedException"/>, and nothing changes any more.
/// </para>
/// <para>
/// A name has 1 to 200 bytes as UTF-8, of any characters. Names are compared byte by byte; journals, records and runs have names of
/// their own. Memory that is handed to a call is the caller's again when the call has completed.
/// </para>
/// <para>The conformance kit (OrleansStreaming.Testing, <c>StorageConformance</c>) checks all of it.</para>
/// </remarks>
public interface IStorage : IAsyncDisposable
{
    /// <summary>The shortest time that there should be between the beginnings of two appends of a journal: where each costs money, frames gather meanwhile.</summary>
    TimeSpan AppendEvery => TimeSpan.Zero;

    /// <summary>Creates a journal. Its name is never used again: the caller does not, and what is still there cannot be created.</summary>
    /// <param name="journal">Such as <c>silo0-7</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="StorageException">It exists already, or storage failed.</exception>
    ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken);

    /// <summary>
    /// Fences a journal, so that nothing behind its end is ever confirmed, then finds its end. Idempotent: a second call
    /// gives the same end. A torn frame behind the end is cut off or ignored for ever. A journal that was never created
    /// ends at 0: creating it later fails, or its writer finds it sealed.
    /// </summary>
    /// <param name="journal">The journal.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The LSN of the last whole frame, 0 when there is none.</returns>
    /// <exception cref="CorruptDataException">A frame before the end is damaged: says which file, offset and expectation.</exception>
    ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken);

    /// <summary>
    /// Reads whole frames in LSN order without gaps, starting at the first one that is not trimmed and not below
    /// <paramref name="fromLsn"/>, up to <paramref name="toLsn"/> and to about <paramref name="maxBytes"/> (at least one
    /// frame, and fewer than there are if storage likes). Frames that are appended but not durable may be missing.
    /// </summary>
    /// <param name="journal">The journal.</param>
    /// <param name="fromLsn">The first LSN of interest.</param>
    /// <param name="toLsn">The last LSN of interest.</param>
    /// <param name="maxBytes">About how many bytes to return.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>
    /// The frames; empty only when there are none in the range, or no such journal. If the list is <see cref="IDisposable"/>,
    /// its memory can be lent again: whoever disposes of it does not look at the frames any more. Nobody has to.
    /// </returns>
    /// <exception cref="CorruptDataException">A frame in the range is damaged or missing.</exception>
    ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken);

    /// <summary>
    /// Allows storage to delete whole segments all of whose frames are below an LSN; the end stays. Deletes the journal when it
    /// is sealed and <paramref name="belowLsn"/> is <see cref="long.MaxValue"/>: it then has no frames, and is not sealed again.
    /// Nothing happens when there is no such journal.
    /// </summary>
    /// <param name="journal">The journal.</param>
    /// <param name="belowLsn">The lowest LSN still needed.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken);

    /// <summary>Reads a record that changes by compare-and-swap; null when there is none.</summary>
    /// <param name="name">Such as <c>partitions/flights-3</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken);

    /// <summary>Writes a record if its tag is still <paramref name="expectedTag"/> (null: if there is none).</summary>
    /// <param name="name">The record.</param>
    /// <param name="expectedTag">The tag of the version that the writer read.</param>
    /// <param name="content">The new content.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The new tag, which no version of the record has had before; null when the record has changed meanwhile.</returns>
    ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>
    /// Writes an immutable run. Not visible, or whole. Overwrites a run of the same name (left by a writer that failed before
    /// naming it), which stays whole until then.
    /// </summary>
    /// <param name="name">Such as <c>flights-3/4-17</c>.</param>
    /// <param name="content">The content.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>As the other, for content that comes in pieces, so that it need not be in memory as a whole.</summary>
    /// <param name="name">Such as <c>flights-3/4-17</c>.</param>
    /// <param name="pieces">The content; each piece is valid until the next is asked for or the call has ended. Throws to give up: nothing is written then, and the exception goes on to the caller.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken);

    /// <summary>Reads a part of a run.</summary>
    /// <param name="name">The run.</param>
    /// <param name="offset">From where; negative counts from the end. Cut to the run.</param>
    /// <param name="length">How many bytes; less are returned at the end.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="CorruptDataException">There is no such run, or it is damaged.</exception>
    ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken);

    /// <summary>As the other, into memory of the caller, who uses it again. Nothing is written there once the call has ended, however it ended.</summary>
    /// <param name="name">The run.</param>
    /// <param name="offset">From where; negative counts from the end.</param>
    /// <param name="to">Where to; as long as what is wanted.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many bytes were read; less than asked for at the end.</returns>
    /// <exception cref="CorruptDataException">There is no such run.</exception>
    async ValueTask<int> ReadRunAsync(string name, long offset, Memory<byte> to, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = await ReadRunAsync(name, offset, to.Length, cancellationToken).ConfigureAwait(false);
        bytes.CopyTo(to);
        return bytes.Length;
    }

    /// <summary>Deletes a run; nothing happens when there is none.</summary>
    /// <param name="name">The run.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// The names, in any order, of all runs whose name begins with a prefix, to find those that nothing names any more. A run
    /// that was written before and not deleted is among them.
    /// </summary>
    /// <param name="prefix">Such as <c>flights-3/</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken);
}

/// <summary>The one writer of a journal. One append at a time.</summary>
public interface IJournalWriter : IAsyncDisposable
{
    /// <summary>
    /// Appends frames with consecutive LSNs and makes them durable. Confirms nothing behind the end of a journal that has been sealed. Once an
    /// append has failed (other than for want of space), or was given up after it had begun, every later one throws.
    /// </summary>
    /// <param name="frames">Each is a list of pieces to be written one behind the other; already framed with length and CRC. The caller uses the lists again once the call has completed.</param>
    /// <param name="cancellationToken">Gives up waiting; once it has begun the outcome is then ambiguous.</param>
    /// <returns>Completes when it is durable, perhaps on a thread that belongs to the journal: the caller must not block or work for long there.</returns>
    /// <exception cref="JournalFencedException">The journal is sealed: the silo must stop.</exception>
    /// <exception cref="StorageFullException">There was no space, nothing of the call remains, and the call may be repeated by the same writer.</exception>
    /// <exception cref="StorageException">Any other failure: the journal must be given up.</exception>
    ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken);
}

/// <summary>A frame ready to be written.</summary>
/// <param name="Lsn">Its LSN.</param>
/// <param name="Pieces">Its bytes.</param>
/// <param name="Length">The number of bytes in all pieces.</param>
public readonly record struct FrameToWrite(long Lsn, IReadOnlyList<ReadOnlyMemory<byte>> Pieces, int Length);

/// <summary>A frame that was read.</summary>
/// <param name="Lsn">Its LSN.</param>
/// <param name="Bytes">The whole frame, header included; checked.</param>
public readonly record struct StoredFrame(long Lsn, ReadOnlyMemory<byte> Bytes);

/// <summary>A record that changes by compare-and-swap.</summary>
/// <param name="Tag">Identifies the version.</param>
/// <param name="Content">The content.</param>
public sealed record StoredRecord(string Tag, ReadOnlyMemory<byte> Content);

/// <summary>Storage failed.</summary>
public class StorageException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The operation may have taken effect.</summary>
    public bool Ambiguous { get; init; }
}

/// <summary>There is no space. Nothing was changed; the operation may be repeated.</summary>
public sealed class StorageFullException(string message, Exception? inner = null) : StorageException(message, inner);

/// <summary>The journal has been sealed by another silo.</summary>
public sealed class JournalFencedException(string message) : StorageException(message);

/// <summary>Stored data is damaged or missing.</summary>
/// <param name="file">The file or blob.</param>
/// <param name="position">The byte at which it was found.</param>
/// <param name="expectation">What should be there, and what is.</param>
public sealed class CorruptDataException(string file, long position, string expectation)
    : StorageException($"{file} is damaged at byte {position}: {expectation}")
{
    /// <summary>The file or blob.</summary>
    public string File { get; } = file;

    /// <summary>The byte at which the damage was found.</summary>
    public long Position { get; } = position;
}

/// <summary>Opens the storage of a deployment; registered as a service by <c>UseFiles</c> and its like.</summary>
/// <param name="services">The application's services.</param>
/// <param name="cancellationToken">Gives up.</param>
public delegate ValueTask<IStorage> StorageFactory(IServiceProvider services, CancellationToken cancellationToken);

/// <summary>For tests that kill silos: storage that can lose what was appended and not confirmed, as a crash of the machine would.</summary>
internal interface ILosesTails
{
    /// <summary>Cuts the unconfirmed tail of a journal whose writer is gone: all of it, or at some byte within.</summary>
    ValueTask CutTailAsync(string journal, bool torn, CancellationToken cancellationToken);
}
