namespace OrleansStreaming.Clustering;

/// <summary>Where turns run: in an activation, while there is one. Orleans brings it up with a call, and collects what is not called.</summary>
internal abstract class Seat
{
    private IGrainContext? _activation;

    /// <summary>The key of the grain that is called.</summary>
    public abstract string GrainKey { get; }

    /// <summary>The activation; null when there is none.</summary>
    public IGrainContext? Activation => Volatile.Read(ref _activation);

    /// <summary>When it was last called, which Orleans sees; milliseconds. Used by the silo's loop only.</summary>
    public long CalledMs { get; set; }

    /// <summary>A call has arrived.</summary>
    public virtual void Attach(IGrainContext activation) => Interlocked.Exchange(ref _activation, activation);

    /// <summary>Orleans deactivates. Returns whether turns ran in this activation until now.</summary>
    public virtual bool Detach(IGrainContext activation) => Interlocked.CompareExchange(ref _activation, null, activation) == activation;

    /// <summary>The activation, which the seat is without from now on.</summary>
    protected IGrainContext? Leave() => Interlocked.Exchange(ref _activation, null);
}
