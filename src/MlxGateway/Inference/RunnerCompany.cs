namespace MlxGateway.Inference;

/// <summary>The requests that one runner is working on, counted, so that it is known of each whether the runner died under it alone.</summary>
internal sealed class RunnerCompany
{
    private int _present;
    private int _atDeath;

    /// <summary>A request was sent to the runner.</summary>
    public void Enter() => Interlocked.Increment(ref _present);

    /// <summary>A request is over; where the runner died, <see cref="AtDeath"/> was asked before.</summary>
    public void Leave() => Interlocked.Decrement(ref _present);

    /// <summary>How many requests were there when the runner died. The first who asks fixes the number for all: whoever was there when it died asks before it leaves.</summary>
    public int AtDeath()
    {
        Interlocked.CompareExchange(ref _atDeath, Volatile.Read(ref _present), 0);
        return Volatile.Read(ref _atDeath);
    }
}
