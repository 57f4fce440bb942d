namespace MlxGateway.Supervision.Residency;

/// <summary>How soon a model's clients have been coming back: the time from a lease that came back to the next request for the model, smoothed.</summary>
internal sealed class ReturnHabit
{
    // An agent's turns vary; one long pause should not undo what many turns have taught, nor one short one.
    private const double Memory = 0.7;

    // Longer is as good as never: no swap is worth such a wait. Without a bound a lunch break would take a dozen turns to forget.
    private static readonly TimeSpan LongestGap = TimeSpan.FromMinutes(2);

    // A client that usually needs 50 ms may well need half a second once.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(0.5);

    private TimeSpan? _gap;
    private bool _gapHeldALoad;
    private bool _expecting;
    private long _returnedIn;
    private DateTimeOffset _returnedAt;

    /// <param name="now">When the lease came back.</param>
    /// <param name="step">The ledger's step in which it did.</param>
    public void Returned(DateTimeOffset now, long step)
    {
        _returnedAt = now;
        _returnedIn = step;
        _expecting = true;
    }

    /// <param name="now">When the next request for the model came.</param>
    /// <param name="lastLoadBegan">The step in which the load began that was finished last, of whatever model.</param>
    public void Asked(DateTimeOffset now, long lastLoadBegan)
    {
        if (!_expecting)
        {
            return;
        }

        _expecting = false;
        var seen = now - _returnedAt < LongestGap ? now - _returnedAt : LongestGap;
        _gap = _gap is { } gap ? (Memory * gap) + ((1 - Memory) * seen) : seen;

        // A whole load inside the gap: nobody came back sooner than a swap costs, whatever the averages of uneven loads say.
        // So a single client that alternates between two models is never made to wait for itself.
        _gapHeldALoad = lastLoadBegan > _returnedIn;
    }

    /// <summary>How long an idle model is worth keeping for its clients; null: not at all.</summary>
    /// <param name="swapCost">The measured load time of the model that wants its place; null if it was never measured.</param>
    public DateTimeOffset? ExpectedUntil(TimeSpan? swapCost)
    {
        if (_gapHeldALoad || _gap is not { } gap || swapCost is not { } cost || gap > cost)
        {
            return null;
        }

        var hope = (2 * gap) + Slack;
        return _returnedAt + (hope < cost ? hope : cost);
    }
}
