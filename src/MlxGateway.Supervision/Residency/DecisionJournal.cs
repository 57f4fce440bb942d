namespace MlxGateway.Supervision.Residency;

/// <summary>The last decisions of the ledger, for whoever asks why.</summary>
internal sealed class DecisionJournal
{
    private const int Kept = 200;

    // Clients repeat what was refused, many times a minute and each time with another number of seconds in the answer. That must not push out what explains it.
    private const int KeptRefusals = 100;

    private readonly LinkedList<Decision> _last = [];
    private int _refusals;

    /// <summary>The last decisions, the oldest first.</summary>
    public IReadOnlyList<Decision> Last => [.. _last];

    public void Note(Decision decision)
    {
        if (IsRefusal(decision) && _last.Last?.Value is { } last && last.Kind == decision.Kind && last.Model == decision.Model && last.Reason == decision.Reason)
        {
            return;
        }

        if (IsRefusal(decision) && _refusals == KeptRefusals)
        {
            Forget(OldestRefusal());
        }
        else if (_last.Count == Kept)
        {
            Forget(_last.First!);
        }

        _last.AddLast(decision);
        _refusals += IsRefusal(decision) ? 1 : 0;
    }

    private static bool IsRefusal(Decision decision) => decision.Kind is DecisionKind.Refused or DecisionKind.Yielded;

    private LinkedListNode<Decision> OldestRefusal()
    {
        var node = _last.First!;
        while (!IsRefusal(node.Value))
        {
            node = node.Next!;
        }

        return node;
    }

    private void Forget(LinkedListNode<Decision> node)
    {
        _last.Remove(node);
        _refusals -= IsRefusal(node.Value) ? 1 : 0;
    }
}
