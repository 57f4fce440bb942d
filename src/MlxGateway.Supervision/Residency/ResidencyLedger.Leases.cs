using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// Who gets a lease, who waits for one and who is told that there is none.
internal sealed partial class ResidencyLedger
{
    // True if more than the number of leases has changed.
    private bool Take(LeaseTicket ticket, DateTimeOffset now)
    {
        if (IsShuttingDown)
        {
            RefuseOne(ticket, Refusal.ShuttingDown(), now);
            return false;
        }

        var resident = LineFor(ticket);
        var changed = ticket.WaitsFor == ticket.Model.Id && Adopt(resident, ticket, now);
        if (!ticket.Terms.IsBackground)
        {
            resident.Habit.Asked(now, _lastLoadBegan);
            if (resident.TakesAnother && resident.Waiting.People == 0)
            {
                var keptFor = resident.KeepAlive;
                Grant(ticket, resident, now);
                return changed || _waiting > 0 || resident.KeepAlive != keptFor; // or the alarm would be for what an earlier request said
            }
        }

        if (resident.IsLeftAlone(now))
        {
            RefuseOne(ticket, Refusal.LaunchFailed(resident.Id, resident.Failure, resident.CoolUntil!.Value - now), now);
        }
        else if (_waiting >= options.QueueLimit && (ticket.Terms.IsBackground || !MakePlaceInQueue(now)))
        {
            RefuseOne(ticket, Refusal.QueueFull(resident.Id, options.QueueLimit, PatienceFor(resident)), now);
        }
        else
        {
            ticket.Order = ++_order;
            ticket.LaunchingBefore = resident.LaunchingUntil(now);
            resident.Waiting.Add(ticket);
            _waiting++;
        }

        return true;
    }

    private bool Return(LeaseReleased released, DateTimeOffset now)
    {
        if (Current(released.Model, released.Launch) is not { State: Ready or Draining, Leases: > 0 } resident)
        {
            return false;
        }

        resident.Leases--;
        resident.LastUsed = now;
        resident.FirstReturn ??= now;
        if (!ReturnBackground(resident, released.Revocation))
        {
            resident.LastPerson = now;
            resident.Habit.Returned(now, _step);
        }

        return _waiting > 0 || resident.State is Draining || resident.KeepAlive is not null;
    }

    private void ServeAll(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            Serve(resident, now);
        }
    }

    private void Serve(Resident resident, DateTimeOffset now)
    {
        while (resident.TakesAnother && resident.Waiting.NextPerson() is { } ticket)
        {
            _waiting--;
            resident.Waiting.Serve(ticket);
            Grant(ticket, resident, now);
        }

        ServeBackground(resident, now);
    }

    private void Grant(LeaseTicket ticket, Resident resident, DateTimeOffset now)
    {
        resident.Leases++;
        resident.LastUsed = now;
        resident.HasServed = true;
        resident.WasGranted = true;
        var revocation = resident.Revocation;
        if (ticket.Terms.IsBackground)
        {
            resident.Background.Add(revocation = new Revocation());
        }
        else
        {
            resident.LastPerson = now;
            resident.KeepAlive = ticket.Terms.KeepAlive;
        }

        var waited = now > ticket.ArrivedAt ? now - ticket.ArrivedAt : TimeSpan.Zero;
        var loading = ticket.Order == 0 ? TimeSpan.Zero : resident.LaunchingUntil(now) - ticket.LaunchingBefore;
        loading = loading < waited ? loading : waited;
        _effects.Add(new GrantLease(ticket, new Granted(resident.Spec, resident.Launch, resident.Runner!, revocation, waited - loading, loading)));
    }

    private void RefuseAll(Resident resident, Refusal refusal, DateTimeOffset now)
    {
        while (resident.Waiting.Oldest is { } ticket)
        {
            Refuse(ticket, refusal, now);
        }
    }

    private void Refuse(LeaseTicket ticket, Refusal refusal, DateTimeOffset now)
    {
        Leave(ticket);
        RefuseOne(ticket, refusal, now);
    }

    private void RefuseOne(LeaseTicket ticket, Refusal refusal, DateTimeOffset now)
    {
        Note(refusal.Reason is RefusalReason.Yielded ? DecisionKind.Yielded : DecisionKind.Refused, ticket.Model.Id, null, refusal.Message, now);
        _effects.Add(new RefuseLease(ticket, refusal));
    }

    private void Leave(LeaseTicket ticket)
    {
        if (_byId.GetValueOrDefault(ticket.WaitsFor)?.Waiting.Remove(ticket) == true)
        {
            _waiting--;
        }
    }
}
