using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>
/// A storage that is to be checked against the contract of <see cref="IStorage"/>: one place for data, which is opened again
/// and again. Disposed when the case has ended.
/// </summary>
/// <remarks>Several cases may use one place, at the same time too: each takes names that no other takes.</remarks>
public interface IStorageUnderTest : IAsyncDisposable
{
    /// <summary>What can be done to it beside opening it: cases that need more are left out.</summary>
    StorageAbilities Abilities { get; }

    /// <summary>
    /// Opens the storage, as a new process would. Without <see cref="StorageAbilities.Shared"/> it is called only when the
    /// instance that was opened before has been disposed.
    /// </summary>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken);

    /// <summary>With <see cref="StorageAbilities.Pauses"/>: the next append to a journal is to stop at a step, by calling <see cref="AppendPause.Arrive"/>.</summary>
    /// <param name="storage">The instance through which it comes.</param>
    /// <param name="journal">The journal.</param>
    /// <param name="pause">Where, and for how long.</param>
    void PauseAppend(IStorage storage, string journal, AppendPause pause) => throw new NotSupportedException();

    /// <summary>
    /// With <see cref="StorageAbilities.Crashes"/>: ends the writer of a journal as a loss of power would, while its append
    /// stands still. What was not confirmed is lost in whole or in part.
    /// </summary>
    /// <param name="storage">The instance through which it was created.</param>
    /// <param name="journal">The journal.</param>
    /// <param name="random">Says how much is lost.</param>
    ValueTask CrashAsync(IStorage storage, string journal, Random random) => throw new NotSupportedException();

    /// <summary>
    /// With <see cref="StorageAbilities.LosesAnswers"/>: the medium fails in the next call of a kind, before or after the
    /// change has taken effect there, and once. The storage may find out what has happened, or throw.
    /// </summary>
    /// <param name="storage">The instance through which it comes.</param>
    /// <param name="call">The kind of call.</param>
    /// <param name="takesEffect">The change is made, and only the answer is lost.</param>
    void LoseAnswer(IStorage storage, StorageCall call, bool takesEffect) => throw new NotSupportedException();
}

/// <summary>What can be done to a storage under test.</summary>
[Flags]
public enum StorageAbilities
{
    /// <summary>It can be opened, used, disposed and opened again.</summary>
    None = 0,

    /// <summary>Several instances may use the same data at the same time, as several processes would.</summary>
    Shared = 1,

    /// <summary>An append can be held up: <see cref="IStorageUnderTest.PauseAppend"/>.</summary>
    Pauses = 2,

    /// <summary>A writer can be ended as by a loss of power: <see cref="IStorageUnderTest.CrashAsync"/>.</summary>
    Crashes = 4,

    /// <summary>The medium can fail before or after a change: <see cref="IStorageUnderTest.LoseAnswer"/>.</summary>
    LosesAnswers = 8,
}

/// <summary>Calls that change something.</summary>
public enum StorageCall
{
    /// <summary><see cref="IStorage.CreateJournalAsync"/>.</summary>
    CreateJournal,

    /// <summary><see cref="IJournalWriter.AppendAsync"/>.</summary>
    Append,

    /// <summary><see cref="IStorage.SealJournalAsync"/>.</summary>
    SealJournal,

    /// <summary><see cref="IStorage.SwapRecordAsync"/>.</summary>
    SwapRecord,

    /// <summary>Both of <see cref="IStorage"/>'s methods that write a run.</summary>
    WriteRun,
}
