using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Core;

/// <summary>What a silo logs. Event ids are stable: docs/operations.md lists them.</summary>
internal sealed partial class SiloLog(ILogger logger)
{
    [LoggerMessage(1000, LogLevel.Information, "Silo {Silo} writes journal {Journal}; {Seals} journals are sealed")]
    public partial void Joined(string silo, string journal, int seals);

    [LoggerMessage(EventId = 1001, Message = "Silo {Silo} (journal {Journal}) has stopped: {Reason}")]
    public partial void Stopped(LogLevel level, string silo, string journal, string reason, Exception? error);

    [LoggerMessage(1010, LogLevel.Warning, "Silo {Silo}: storage could not serve '{What}'; it will be tried again")]
    public partial void StorageFailed(string silo, string what, Exception error);

    [LoggerMessage(1011, LogLevel.Error, "Silo {Silo}: no space for journal {Journal}. Nothing acknowledged is lost; the silo goes on when there is space")]
    public partial void StorageFull(string silo, string journal, Exception error);

    [LoggerMessage(1012, LogLevel.Information, "Silo {Silo}: storage takes writes again")]
    public partial void StorageRecovered(string silo);

    [LoggerMessage(1013, LogLevel.Warning, "Silo {Silo} could not read {What}; it will be tried again")]
    public partial void ReadFailed(string silo, string what, Exception error);

    [LoggerMessage(1014, LogLevel.Warning, "Silo {Silo} could not write a checkpoint of {Partition}; the next one covers it")]
    public partial void CheckpointFailed(string silo, string partition, Exception error);

    [LoggerMessage(1015, LogLevel.Warning, "Silo {Silo}: storage has not answered for {ElapsedMs} ms; what is to be stored waits, and nothing is lost")]
    public partial void StorageSlow(string silo, long elapsedMs);

    [LoggerMessage(1020, LogLevel.Warning, "Silo {Silo} could not seal journal {Journal}; it will be tried again")]
    public partial void SealFailed(string silo, string journal, Exception error);

    [LoggerMessage(EventId = 1021, Message = "Silo {Silo} applied the seal of journal {Journal} at {End} (R{SealVersion}); {RolledBack} grains rolled back")]
    public partial void SealApplied(LogLevel level, string silo, string journal, long end, int sealVersion, int rolledBack);

    [LoggerMessage(1022, LogLevel.Information, "Silo {Silo} has recovered from the loss of journal {Journal}: {RolledBack} grains rolled back, {TakenOver} partitions taken over, {Replayed} events replayed, {ElapsedMs} ms")]
    public partial void Recovered(string silo, string journal, int rolledBack, int takenOver, long replayed, long elapsedMs);

    [LoggerMessage(1030, LogLevel.Debug, "Silo {Silo} serves {Partition} with ownership epoch {Epoch}: {Grains} checkpoints, {Blocks} blocks to replay")]
    public partial void Opened(string silo, string partition, int epoch, long grains, long blocks);

    [LoggerMessage(1031, LogLevel.Error, "Silo {Silo} cannot open {Partition}; it will be tried again")]
    public partial void OpenFailed(string silo, string partition, Exception error);

    [LoggerMessage(1032, LogLevel.Debug, "Silo {Silo} has given {Partition} up (ownership epoch {Epoch})")]
    public partial void Moved(string silo, string partition, int epoch);

    [LoggerMessage(1033, LogLevel.Warning, "Silo {Silo}: operator {Operator} is new and reads {Partition} from behind {TrimmedTo}: earlier events are past the stream's retention")]
    public partial void StartsLate(string silo, string @operator, string partition, Offset trimmedTo);

    [LoggerMessage(1040, LogLevel.Warning, "Silo {Silo}: operator {Operator} threw on key {Key} at {Offset} (attempt {Attempt})")]
    public partial void TurnThrew(string silo, string @operator, string key, Offset offset, int attempt, Exception error);

    [LoggerMessage(1041, LogLevel.Error, "Silo {Silo}: operator {Operator}, key {Key} leaves out the event at {Offset} after {Attempts} attempts")]
    public partial void LeftOut(string silo, string @operator, string key, Offset offset, int attempts, Exception error);

    [LoggerMessage(1042, LogLevel.Error, "Silo {Silo}: a turn of operator {Operator}, key {Key} at {Offset} has not ended for {ElapsedMs} ms; other grains go on")]
    public partial void TurnStuck(string silo, string @operator, string key, Offset offset, long elapsedMs);

    [LoggerMessage(1043, LogLevel.Error, "Silo {Silo}: operator {Operator}, key {Key}: the call {Call} failed for good after {Attempts} attempts; the grain gets the error as the result")]
    public partial void CallFailed(string silo, string @operator, string key, string call, int attempts, Exception error);

    [LoggerMessage(1050, LogLevel.Warning, "Silo {Silo}: sink {Sink} of {Partition} failed after {Position} (attempt {Attempt}); next try in {DelayMs} ms")]
    public partial void SinkFailed(string silo, string sink, string partition, Offset position, int attempt, long delayMs, Exception error);

    [LoggerMessage(1051, LogLevel.Error, "Silo {Silo}: sink {Sink} of {Partition} is parked at {Position} after {Attempts} attempts; it is tried on, other sinks go on")]
    public partial void SinkParked(string silo, string sink, string partition, Offset position, int attempts, Exception error);

    [LoggerMessage(1052, LogLevel.Information, "Silo {Silo}: sink {Sink} of {Partition} works again, released up to {Position}")]
    public partial void SinkResumed(string silo, string sink, string partition, Offset position);

    [LoggerMessage(1053, LogLevel.Error, "Silo {Silo}: sink {Sink} of {Partition} stands at {Position}, but records up to {TrimmedTo} are gone: the sink has lost what it had confirmed")]
    public partial void SinkLostPosition(string silo, string sink, string partition, Offset position, Offset trimmedTo);
}
