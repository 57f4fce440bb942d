namespace MlxGateway.Supervision.Residency;

/// <summary>
/// How soon a model's clients have been coming back: the time from a lease that came back to the next request for the model, smoothed.
/// Written by the ledger, and by the gate of an open launch from any thread: a race there costs a sample and nothing else.
/// </summary>
internal sealed class ReturnHabit
{
    // An agent's turns vary; one long pause should not undo what many turns have taught, nor one short one.
    private const double Memory = 0.7;
    private const long Unknown = -1;

    // Longer is as good as never: no swap is worth such a wait. Without a bound a lunch break would take a dozen turns to forget.
    private static readonly TimeSpan LongestGap = TimeSpan.FromMinutes(2);

    // A client that usually needs 50 ms may well need half a second once.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(0.5);

    // Single words, so that none can be read half written.
    private long _gap = Unknown;
    private long _returnedIn;
    private long _returnedAt;
    private volatile bool _gapHeldALoad;
    private int _expecting;

    /// <param name="now">When the lease came back.</param>
    /// <param name="step">The ledger's step in which it did.</param>
    public void Returned(DateTimeOffset now, long step)
    {
        Volatile.Write(ref _returnedAt, now.UtcTicks);
        Volatile.Write(ref _returnedIn, step);
        Volatile.Write(ref _expecting, 1);
    }

    /// <param name="now">When the next request for the model came.</param>
    /// <param name="lastLoadBegan">The step in which the load began that was finished last, of whatever model.</param>
    public void Asked(DateTimeOffset now, long lastLoadBegan)
    {
        if (Volatile.Read(ref _expecting) == 0 || Interlocked.Exchange(ref _expecting, 0) == 0)
        {
            return;
        }

        var seen = Math.Clamp(now.UtcTicks - Volatile.Read(ref _returnedAt), 0, LongestGap.Ticks);
        var gap = Volatile.Read(ref _gap);
        Volatile.Write(ref _gap, gap == Unknown ? seen : (long)((Memory * gap) + ((1 - Memory) * seen)));

        // A whole load inside the gap: nobody came back sooner than a swap costs, whatever the averages of uneven loads say.
        // So a single client that alternates between two models is never made to wait for itself.
        _gapHeldALoad = lastLoadBegan > Volatile.Read(ref _returnedIn);
    }

    /// <summary>How long an idle model is worth keeping for its clients; null: not at all.</summary>
    /// <param name="swapCost">The measured load time of the model that wants its place; null if it was never measured.</param>
    public DateTimeOffset? ExpectedUntil(TimeSpan? swapCost)
    {
        var gap = Volatile.Read(ref _gap);
        if (_gapHeldALoad || gap == Unknown || swapCost is not { } cost || gap > cost.Ticks)
        {
            return null;
        }

        var hope = TimeSpan.FromTicks(2 * gap) + Slack;
        return new DateTimeOffset(Volatile.Read(ref _returnedAt), TimeSpan.Zero) + (hope < cost ? hope : cost);
    }
}
