namespace OrleansStreaming.Core;

/// <summary>Tells people that storage does not answer, while what waits for it goes on waiting.</summary>
internal sealed partial class Silo
{
    private const string SlowStorage = "storage";

    /// <summary>Looks now and then, so that nothing is paid for it by appends that are fast.</summary>
    private void LookForSlowStorage()
    {
        long since = Math.Min(Journal.Flushing ? _lastFlushMs : NowMs, _polling ? _pollingSinceMs : NowMs);
        bool isKnown = _troubles.ContainsKey(SlowStorage);
        if (NowMs - since >= Options.SlowStorageMs && !_troubles.ContainsKey(Journal.Name))
        {
            if (!isKnown)
            {
                Log.StorageSlow(Name, NowMs - since);
            }

            ReportStorageTrouble(SlowStorage, new StorageException($"storage has not answered for {(NowMs - since) / 1000} s; what is to be stored waits"));
        }
        else if (isKnown)
        {
            ReportStorageTrouble(SlowStorage, null);
            Log.StorageRecovered(Name);
        }
    }
}
