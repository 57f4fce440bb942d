using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// One swap at a time: its victims leave together, and stay together if it is called off.
internal sealed partial class ResidencyLedger
{
    // Whose victims are draining or stopping. Nobody else gets the room that they leave, not even an older ticket of a victim.
    private (Resident Newcomer, LeaseTicket Ticket)? _swap;

    private static bool DrainsForSwap(Resident resident) => resident is { State: Draining, LeavesForGood: false };

    private void Evict(IReadOnlyList<Resident> victims, Resident newcomer, DateTimeOffset now)
    {
        _swap = (newcomer, newcomer.Waiting.Oldest!);
        foreach (var victim in victims)
        {
            Note(DecisionKind.Evicted, victim.Id, newcomer.Id, EvictionPlanner.Reason(victim, newcomer, now), now);
            if (victim.State is Launching)
            {
                Close(victim, now); // for background work alone
            }
            else
            {
                Drain(victim, forGood: false, now);
            }
        }

        CloseDrained(now);
    }

    // Its files are read while it waits for busy victims, so that its launch finds them in memory. As many as there is free memory for: the victims still need theirs.
    private void ReadAhead(Resident newcomer, MemoryObservation memory)
    {
        var free = memory.Usable - EvictionPlanner.Held(_residents);
        if (!newcomer.IsReadAhead && AsksForPeople(newcomer) && free > ByteSize.Zero && _residents.Exists(r => r.Leases > 0))
        {
            newcomer.IsReadAhead = true;
            _effects.Add(new BeginReadAhead(newcomer.Spec, free));
        }
    }

    // Only when nobody is refused any more: whoever was the last to wait may just have been.
    private void LeaveReadsForNobody()
    {
        foreach (var resident in _residents)
        {
            if (!resident.WaitsForRoom)
            {
                LeaveReadAhead(resident);
            }
        }
    }

    private void LeaveReadAhead(Resident newcomer)
    {
        if (newcomer.IsReadAhead)
        {
            newcomer.IsReadAhead = false;
            _effects.Add(new ResidencyEffect.EndReadAhead(newcomer.Id));
        }
    }

    // If the ticket that wanted the victims' place is gone, they stay, unless another one of the same newcomer has waited as long.
    private void ReconsiderSwap(DateTimeOffset now)
    {
        if (_swap is not { } swap || swap.Ticket.Place is not null)
        {
            return;
        }

        if (swap.Newcomer.WaitsForRoom)
        {
            var terms = TermsOf(swap.Newcomer);
            if (_residents.TrueForAll(r => !DrainsForSwap(r) || now >= terms.MayLeaveFrom(r)))
            {
                _swap = swap with { Ticket = swap.Newcomer.Waiting.Oldest! };
                return;
            }
        }

        EndSwapOf(swap.Newcomer, now);
    }

    // The newcomer is on its way in, perhaps beside victims that still drain. There is memory for all of them, so those that may be together stay; the others cannot any more.
    private void CommitSwapOf(Resident newcomer, DateTimeOffset now)
    {
        if (_swap?.Newcomer != newcomer)
        {
            return;
        }

        _swap = null;
        foreach (var resident in _residents)
        {
            if (DrainsForSwap(resident) && !EvictionPlanner.MayJoin(resident, _residents, options.MaxResident))
            {
                resident.LeavesForGood = true;
                resident.GivesWayTo = newcomer;
            }
            else if (DrainsForSwap(resident))
            {
                Stay(resident, newcomer, $"there is room for {newcomer.Id} beside it after all", now);
            }
        }
    }

    private void EndSwapOf(Resident newcomer, DateTimeOffset now)
    {
        if (_swap?.Newcomer != newcomer)
        {
            return;
        }

        _swap = null;
        foreach (var resident in _residents)
        {
            if (DrainsForSwap(resident))
            {
                Stay(resident, newcomer, $"nobody waits for {newcomer.Id} any more", now);
            }
        }
    }

    private void Stay(Resident victim, Resident newcomer, string why, DateTimeOffset now)
    {
        Note(DecisionKind.Spared, victim.Id, newcomer.Id, why, now);
        victim.LeavesForGood = false;
        victim.GivesWayTo = null;
        victim.Enter(Ready, now);
        Serve(victim, now);
    }

    // Whoever was launched beside its victims and is gone before they are needs their room no more. The last one to be sent away is the first to stay: those before it had lost their place to it.
    private void LetStay(DateTimeOffset now)
    {
        foreach (var victim in _residents.Where(r => r is { State: Draining, GivesWayTo.HoldsMemory: false }).OrderByDescending(r => r.Since).ToList())
        {
            if (victim is { State: Draining, GivesWayTo: { HoldsMemory: false } gone } && EvictionPlanner.MayJoin(victim, _residents, options.MaxResident))
            {
                Stay(victim, gone, $"{gone.Id} is gone again", now);
            }
        }
    }
}
