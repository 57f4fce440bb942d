using System.Globalization;
using MlxGateway.Supervision.Models;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// Who leaves: drained, idle, failed, died, asked to.
internal sealed partial class ResidencyLedger
{
    private static readonly TimeSpan LongestCooldown = TimeSpan.FromMinutes(5);

    private void ExpireLaunchesAndCooldowns(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            if (resident.State is Launching && now >= resident.Since + options.LaunchTimeout)
            {
                Fail(resident, string.Create(CultureInfo.InvariantCulture, $"it did not become ready within {options.LaunchTimeout.TotalSeconds:0.###} s."), now);
                Close(resident, now);
            }
            else if (resident.State is Cooling && !(resident.CoolUntil > now))
            {
                resident.CoolUntil = null;
                resident.Enter(Absent, now);
            }
        }
    }

    // The launcher has cleaned up before it told us.
    private void FailLaunch(Resident resident, string why, EndCause cause, DateTimeOffset now)
    {
        if (cause is not EndCause.KilledForMemory || !GetsMoreRoom(resident, why, now))
        {
            Fail(resident, why, now);
        }

        LeaveMemory(resident, now);
    }

    // An exit we asked for never comes here: it arrives as RunnerStopped. The process is gone, but perhaps not what it started,
    // so it is stopped like any other, and its memory counts until that is done.
    private void Crash(Resident resident, string how, EndCause cause, DateTimeOffset now)
    {
        // A request that came back long before the end proves a good launch. One that came back just now was perhaps cut off by the crash itself.
        if (now - resident.FirstReturn >= options.Cooldown)
        {
            resident.FailuresInARow = 0;
            resident.MemoryKills = 0;
        }

        resident.IsKept = false;
        Revoke(resident, RevocationReason.RunnerGone, how);
        if (cause is EndCause.KilledForMemory && GetsMoreRoom(resident, how, now))
        {
            // Whoever waits is served by the next one.
        }
        else if (resident is { WasGranted: true, FailuresInARow: 0 })
        {
            // It worked until now, so whoever waits is served by a new one at once.
            resident.FailuresInARow = 1;
            Note(DecisionKind.Failed, resident.Id, null, $"{Sentence(how)} It is launched again at once for whoever asks.", now);
        }
        else
        {
            Fail(resident, how, now);
        }

        Stop(resident, now);
    }

    // What it was counted with was too little, or what others use was more than was seen: next time it is counted with more, and has the memory of all who are idle.
    // True: it is tried again for whoever waits. Only once in a row, for a model that is too large is killed each time.
    private bool GetsMoreRoom(Resident resident, string how, DateTimeOffset now)
    {
        resident.TakesAllRoom = true;
        if (++resident.MemoryKills > 1)
        {
            return false;
        }

        resident.FailuresInARow++;
        Note(DecisionKind.Failed, resident.Id, null, $"{Sentence(how)} It is launched once more for whoever asks, when all that is idle has left.", now);
        return true;
    }

    private void Fail(Resident resident, string why, DateTimeOffset now)
    {
        var longest = options.Cooldown > LongestCooldown ? options.Cooldown : LongestCooldown;
        var cooldown = options.Cooldown * Math.Pow(2, Math.Min(resident.FailuresInARow++, 16));
        cooldown = cooldown < longest ? cooldown : longest;
        resident.Failure = why;
        resident.CoolUntil = now + cooldown;
        Note(DecisionKind.Failed, resident.Id, null, string.Create(CultureInfo.InvariantCulture, $"{Sentence(why)} It is left alone for {cooldown.TotalSeconds:0.#} s ({resident.FailuresInARow} in a row)."), now);
        RefuseAll(resident, Refusal.LaunchFailed(resident.Id, why, cooldown), now);
    }

    // What a runner wrote last seldom ends as a sentence does, and another one follows.
    private static string Sentence(string words) => words.TrimEnd() is var text && text.EndsWith('.') ? text : $"{text}.";

    private void Unload(UnloadRequested request, DateTimeOffset now)
    {
        if (_byId.TryGetValue(request.Model, out var resident) && resident.HoldsMemory)
        {
            resident.Unloads.Add(request.Done);
            resident.IsKept = false;
            Note(DecisionKind.Unloaded, resident.Id, null, "somebody asked for it", now);
            SendAway(resident, now);
        }
        else
        {
            _effects.Add(new CompleteUnload(request.Done));
        }
    }

    private void ShutDown(TimeSpan patience, DateTimeOffset now)
    {
        if (!IsShuttingDown)
        {
            ChooseKept();
        }

        _shutdownAt = Earlier(_shutdownAt, now + patience);
        foreach (var resident in _residents)
        {
            RefuseAll(resident, Refusal.ShuttingDown(), now);
            SendAway(resident, now);
        }
    }

    // Leaves in any case: nobody's change of mind makes it stay.
    private void SendAway(Resident resident, DateTimeOffset now)
    {
        switch (resident.State)
        {
            case Launching: Close(resident, now); break;
            case Ready: Drain(resident, forGood: true, now); break;
            case Draining: (resident.LeavesForGood, resident.GivesWayTo) = (true, null); break;
        }
    }

    private void Drain(Resident resident, bool forGood, DateTimeOffset now)
    {
        resident.Enter(Draining, now);
        resident.LeavesForGood = forGood;
        YieldAll(resident, "its model has to leave", now);
    }

    // The victims of one swap leave together: an idle one that left early would be gone for nothing if the newcomer gave up.
    private void CloseDrained(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            if (resident.State is Draining && now >= DrainDeadline(resident))
            {
                Close(resident, now);
            }
        }

        // Asked only now: of the victims, the last that served may just have been closed.
        var swapIsDrained = _residents.TrueForAll(r => !DrainsForSwap(r) || r.Leases == 0);
        foreach (var resident in _residents)
        {
            if (resident is { State: Draining, Leases: 0 } && (resident.LeavesForGood || swapIsDrained))
            {
                Close(resident, now);
            }
        }
    }

    private void CloseIdle(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            if (resident.IsIdle && IdleDeadline(resident, now) is { } deadline && deadline <= now)
            {
                Note(DecisionKind.IdledOut, resident.Id, null, string.Create(CultureInfo.InvariantCulture, $"idle {(now - resident.LastUsed).TotalSeconds:0} s"), now);
                Close(resident, now);
            }
        }
    }

    private void Close(Resident resident, DateTimeOffset now)
    {
        if (resident.FirstReturn is not null)
        {
            resident.FailuresInARow = 0;
            resident.MemoryKills = 0; // what was observed of this launch counts from now on
        }

        if (resident.Leases > 0)
        {
            var reason = IsShuttingDown ? RevocationReason.ShuttingDown : RevocationReason.Evicted;
            Revoke(resident, reason);
        }

        Stop(resident, now);
    }

    private void Stop(Resident resident, DateTimeOffset now)
    {
        resident.Leases = 0;
        resident.Background.Clear();
        resident.Yielding = 0;
        resident.GivesWayTo = null;
        resident.Enter(Stopping, now);
        _effects.Add(resident.IsKept
            ? new DetachRunner(resident.Id, resident.Launch, HasServed: resident.FirstReturn is not null)
            : new StopRunner(resident.Id, resident.Launch, HasServed: resident.FirstReturn is not null));
    }

    private void LeaveMemory(Resident resident, DateTimeOffset now)
    {
        TakeNext(resident);
        resident.Runner = null;
        resident.LeavesForGood = false;
        resident.Enter(resident.CoolUntil > now ? Cooling : Absent, now);
        LetStay(now);
        foreach (var done in resident.Unloads)
        {
            _effects.Add(new CompleteUnload(done));
        }

        resident.Unloads.Clear();
    }

    private DateTimeOffset DrainDeadline(Resident resident) =>
        Earlier(resident.LeavesForGood ? _shutdownAt : null, resident.Since + options.DrainTimeout)!.Value;

    // When it may idle out: for a busy one the earliest moment that this could be, so that a returning lease need not change the alarm. Where a client has said how long, a returning lease
    // is looked at anyway; and that may be no time at all, so that the alarm would go off again and again for as long as the request takes.
    private DateTimeOffset? IdleDeadline(Resident resident, DateTimeOffset now)
    {
        // A configured zero means for ever, a client's means at once.
        var configured = resident.Spec.IdleTimeout ?? options.IdleTimeout;
        var timeout = resident.KeepAlive ?? (configured == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : configured);
        return resident.Spec.Pinned || timeout == Timeout.InfiniteTimeSpan ? null
            : resident.IsIdle ? resident.LastUsed + timeout
            : resident.KeepAlive is null ? now + timeout
            : null;
    }
}
