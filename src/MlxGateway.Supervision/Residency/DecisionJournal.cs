namespace MlxGateway.Supervision.Residency;

/// <summary>The last decisions of the ledger, for whoever asks why.</summary>
internal sealed class DecisionJournal
{
    private const int Kept = 200;
    private readonly Queue<Decision> _last = new(Kept);

    /// <summary>The last decisions, the oldest first.</summary>
    public IReadOnlyList<Decision> Last => [.. _last];

    public void Note(Decision decision)
    {
        // A flood of equal refusals must not push out what explains it.
        if (decision.Kind is DecisionKind.Refused or DecisionKind.Yielded && _last.Count > 0 && _last.Last() is var last && last.Kind == decision.Kind && last.Model == decision.Model && last.Reason == decision.Reason)
        {
            return;
        }

        if (_last.Count == Kept)
        {
            _last.Dequeue();
        }

        _last.Enqueue(decision);
    }
}
