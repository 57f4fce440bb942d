using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// Work that nobody waits for: it is behind people everywhere, and is ended where it is in their way.
internal sealed partial class ResidencyLedger
{
    /// <summary>How long a background request is held before it is served. The title of a new chat comes up to 0.41 s earlier than the person's own request.</summary>
    internal static readonly TimeSpan BackgroundHold = TimeSpan.FromSeconds(0.5);

    // A ticket for a model that is not at its disposal goes to the stand-in, if there is one that is.
    private Resident LineFor(LeaseTicket ticket)
    {
        var own = Find(ticket.Model, ticket.Needs);
        if (ticket.Terms is not { IsBackground: true, StandIn: { } standIn } || own is { State: Ready, PeopleServed: 0, Waiting.People: 0 } || standIn.Id == ticket.Model.Id)
        {
            return own;
        }

        if (!_byId.TryGetValue(standIn.Id, out var other) || other.State is not (Ready or Launching))
        {
            return own;
        }

        ticket.WaitsFor = other.Id;
        return other;
    }

    private void ServeBackground(Resident resident, DateTimeOffset now)
    {
        // Whoever waits for a place that background work has gets it as soon as that is ended.
        while (resident.State is Ready && resident.Waiting.People > resident.Yielding && resident.Yielding < resident.Background.Count)
        {
            Yield(resident, resident.Background[^(resident.Yielding + 1)], "a person waits for the same model", now);
        }

        while (MayServeBackground(resident) && resident.Waiting.OldestBackground is { } ticket && now >= ticket.ArrivedAt + BackgroundHold)
        {
            _waiting--;
            resident.Waiting.Serve(ticket);
            Grant(ticket, resident, now);
        }
    }

    // Not while a person is served, who would get slower tokens, nor while one waits for this model's place.
    private bool MayServeBackground(Resident resident) =>
        resident is { TakesAnother: true, PeopleServed: 0, Yielding: 0, Waiting.People: 0 } && !_residents.Exists(r => r.WaitsForRoom && r.Waiting.People > 0 && r != resident);

    private void Yield(Resident resident, Revocation lease, string why, DateTimeOffset now)
    {
        resident.Yielding++;
        Note(DecisionKind.Yielded, resident.Id, null, why, now);
        _effects.Add(new RevokeLeases(resident.Id, resident.Launch, lease, RevocationReason.Yielded));
    }

    private void YieldAll(Resident resident, string why, DateTimeOffset now)
    {
        for (var i = resident.Yielding; i < resident.Background.Count; i++)
        {
            Yield(resident, resident.Background[^(i + 1)], why, now);
        }
    }

    // Ends every lease of a launch, those with an end of their own too.
    private void Revoke(Resident resident, RevocationReason reason, string? detail = null)
    {
        _effects.Add(new RevokeLeases(resident.Id, resident.Launch, resident.Revocation, reason, detail));
        foreach (var lease in resident.Background)
        {
            _effects.Add(new RevokeLeases(resident.Id, resident.Launch, lease, reason, detail));
        }
    }

    // A queue that is full of what nobody waits for is no reason to send a person away: the youngest of that leaves. False: nothing but people waits.
    private bool MakePlaceInQueue(DateTimeOffset now)
    {
        LeaseTicket? youngest = null;
        foreach (var resident in _residents)
        {
            youngest = resident.Waiting.YoungestBackground is { } ticket && !(ticket.Order < youngest?.Order) ? ticket : youngest;
        }

        if (youngest is not null)
        {
            Refuse(youngest, Refusal.PlaceYielded(youngest.Model.Id, options.QueueLimit), now);
        }

        return youngest is not null;
    }

    // True if the lease was a background one.
    private static bool ReturnBackground(Resident resident, Revocation lease)
    {
        var place = resident.Background.Count == 0 ? -1 : resident.Background.IndexOf(lease);
        if (place < 0)
        {
            return false;
        }

        // Those that were told to end are the last ones: the youngest has done least.
        var wasYielding = place >= resident.Background.Count - resident.Yielding;
        resident.Background.RemoveAt(place);
        resident.Yielding -= wasYielding ? 1 : 0;
        return true;
    }

    // Not for ever: after a while the client is better off with a refusal, which it does not show. A load that is under way is worth waiting for. True if anything was refused.
    private bool ExpireBackground(DateTimeOffset now)
    {
        var before = _waiting;
        foreach (var resident in _residents)
        {
            while (resident.State is not Launching && resident.Waiting.OldestBackground is { } ticket && now >= ticket.ArrivedAt + options.BackgroundPatience)
            {
                Refuse(ticket, Refusal.Yielded(ticket.Model.Id, options.BackgroundPatience), now);
            }
        }

        return _waiting < before;
    }

    private DateTimeOffset? BackgroundWake(Resident resident)
    {
        if (resident.Waiting.OldestBackground is not { } ticket)
        {
            return null;
        }

        var served = ticket.ArrivedAt + BackgroundHold;
        return served > _settledAt ? served : resident.State is Launching ? null : ticket.ArrivedAt + options.BackgroundPatience;
    }
}
