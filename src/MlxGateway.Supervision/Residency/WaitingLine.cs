namespace MlxGateway.Supervision.Residency;

/// <summary>Who waits for one model: people, whose clients are served in turns, and background requests behind all of them. Only the ledger uses it.</summary>
internal sealed class WaitingLine
{
    private readonly LinkedList<LeaseTicket> _people = [];
    private readonly LinkedList<LeaseTicket> _background = [];

    // When each client was last served here, as a count of turns. Forgotten when nobody waits: turns are for those who wait together.
    private readonly Dictionary<string, long> _turns = new(StringComparer.Ordinal);
    private long _turn;

    /// <summary>How many wait, for whatever reason.</summary>
    public int Count => _people.Count + _background.Count;

    /// <summary>How many people wait.</summary>
    public int People => _people.Count;

    /// <summary>The one who has waited longest: a person, if one waits. Null: nobody waits.</summary>
    public LeaseTicket? Oldest => _people.First?.Value ?? _background.First?.Value;

    /// <summary>The background request that has waited longest; null: none.</summary>
    public LeaseTicket? OldestBackground => _background.First?.Value;

    /// <summary>The background request that came last; null: none.</summary>
    public LeaseTicket? YoungestBackground => _background.Last?.Value;

    /// <summary>Everybody, people first, each in order of arrival.</summary>
    public IEnumerable<LeaseTicket> All => _people.Concat(_background);

    /// <summary>The person who is served next: of the client that was served longest ago, the one who came first.</summary>
    public LeaseTicket? NextPerson()
    {
        LeaseTicket? next = null;
        var least = long.MaxValue;
        foreach (var ticket in _people)
        {
            var turn = _turns.GetValueOrDefault(ticket.Client);
            if (turn < least)
            {
                (next, least) = (ticket, turn);
                if (turn == 0)
                {
                    break; // never served: nobody can be before that
                }
            }
        }

        return next;
    }

    public void Add(LeaseTicket ticket) => ticket.Place = (ticket.Terms.IsBackground ? _background : _people).AddLast(ticket);

    /// <summary>Takes a ticket out of the line. False: it is in none.</summary>
    public bool Remove(LeaseTicket ticket)
    {
        if (ticket.Place is not { List: { } line } place)
        {
            return false;
        }

        line.Remove(place);
        ticket.Place = null;
        if (Count == 0)
        {
            _turns.Clear();
        }

        return true;
    }

    /// <summary>Notes that it was a client's turn.</summary>
    public void Serve(LeaseTicket ticket)
    {
        if (Remove(ticket) && Count > 0)
        {
            _turns[ticket.Client] = ++_turn;
        }
    }
}
