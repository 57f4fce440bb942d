using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// What models are configured as: requests carry it, and so does a configuration that is read again.
internal sealed partial class ResidencyLedger
{
    // Makes the ticket's specification the resident's. True if that changed anything.
    private bool Adopt(Resident resident, LeaseTicket ticket, DateTimeOffset now)
    {
        var newest = resident.NewestSpec;
        if (ReferenceEquals(ticket.Model, newest) || ReferenceEquals(ticket.Model, resident.Superseded))
        {
            // What an older specification needs says nothing of the newest, which is what will be launched.
            if (ticket.Model == newest && !resident.HoldsMemory && ticket.Needs is { } needs)
            {
                resident.Needs = needs;
            }

            return false;
        }

        if (ticket.Model.LaunchesLike(newest))
        {
            // Of a newer catalog, and the runner need not know: the next comparison is by reference again.
            TakeOver(resident, ticket.Model);
            resident.Needs = resident.HoldsMemory ? resident.Needs : ticket.Needs ?? resident.Needs;
            return true;
        }

        resident.Superseded = newest;
        resident.Next = (ticket.Model, ticket.Needs ?? resident.Needs);
        if (resident.HoldsMemory)
        {
            resident.CoolUntil = null;
            SendAway(resident, now);
        }
        else
        {
            TakeNext(resident);
            resident.Enter(Absent, now);
        }

        return true;
    }

    private static void TakeOver(Resident resident, ModelSpec spec)
    {
        resident.Superseded = resident.NewestSpec;
        resident.Next = resident.Next is { } next ? next with { Spec = spec } : null;
        resident.Spec = resident.Next is null ? spec : resident.Spec;
    }

    // What failed was another configuration: the new one starts with a clean slate.
    private static void TakeNext(Resident resident)
    {
        if (resident.Next is { } next)
        {
            (resident.Spec, resident.Needs) = next;
            resident.Next = null;
            resident.FailuresInARow = 0;
            resident.MemoryKills = 0;
            resident.TakesAllRoom = false;
            resident.CoolUntil = null;
        }
    }

    // What is configured now is what counts: a model that is not any more leaves after its requests, and so does one that is launched in another way.
    // Models that were found on disk are not told about here: a file that is moved is no reason to stop a runner that has read it.
    private void Reconfigure(Reconfigured news, DateTimeOffset now)
    {
        options = news.Options;
        foreach (var resident in _residents)
        {
            if (resident is not { HoldsMemory: true, NewestSpec.Origin: ModelOrigin.Configured })
            {
                continue;
            }

            if (news.Catalog.Find(resident.Id) is not { } spec)
            {
                Note(DecisionKind.Unloaded, resident.Id, null, "it is not configured any more", now);
                SendAway(resident, now);
            }
            else if (spec.LaunchesLike(resident.NewestSpec))
            {
                TakeOver(resident, spec);
            }
            else
            {
                Note(DecisionKind.Unloaded, resident.Id, null, "its configuration has changed", now);
                resident.Superseded = resident.NewestSpec;
                resident.Next = (spec, resident.Needs);
                SendAway(resident, now);
            }
        }
    }
}
