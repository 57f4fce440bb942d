using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

// What must be true whenever the pool has nothing left to do but wait: every piece of news has been heard and every effect carried out.
internal sealed partial class Referee
{
    public void AtRest()
    {
        _refusals.ForEach(r => Judge(r.Client, r.Refusal));
        _refusals.Clear();
        HearRevocations();
        LookAtBackground();
        LookAtSnapshot();
        LookAtRunners();
        LookAtWaiting();
        LookAtShortage();
        foreach (var unloading in _unloads)
        {
            Demand(Now - unloading.AskedAt <= Scenario.Options.DrainTimeout + Scenario.LongestStop + Slack, $"m{unloading.Model.Number} is not unloaded in time");
        }

        if (Shutdown is { } end)
        {
            Demand(_waiting.Count == 0, $"{_waiting.Count} requests wait although the gateway is shutting down");
            Demand(_alive.Count == 0 || Now <= end.Latest + Scenario.LongestStop + Slack, $"{_alive.Count} runners are alive long after the shutdown's patience");
        }

        foreach (var failed in Scenario.Models.Select(m => m.FailedLaunch).OfType<FailedLaunch>().Where(f => f.At == Now))
        {
            failed.MayBeGivenUp |= MayBeGivenUp(failed.Runner);
        }

        _pinned = Sum(_alive.Where(r => r.Spec.Pinned));
        _mostWaiting = _waiting.Count;
        _mostPeopleWaiting = PeopleWaiting;
        foreach (var model in Scenario.Models)
        {
            Waits(model, world.Moment + 1);
        }
    }

    private void HearRevocations()
    {
        foreach (var runner in _alive)
        {
            foreach (var holder in runner.Holders)
            {
                if (!holder.IsTold && holder.Lease!.Revocation is { Reason: not RevocationReason.None } revocation)
                {
                    holder.IsTold = true;
                    Trace.Add(Happening.Revoked, runner.Model.Number, runner.Launch, (long)revocation.Reason);
                    Demand(revocation.Token.IsCancellationRequested, $"the leases of {runner.Spec.Id} are taken back, and nobody is told");
                    holder.NoticeEnd();
                    Demand(IsDue(revocation.Reason, runner, holder), $"the lease of client {holder.Number} of {runner.Spec.Id} was taken back before its time, or without cause: {revocation.Reason}");
                }
            }
        }
    }

    private bool IsDue(RevocationReason reason, SimulatedRunner runner, Client holder)
    {
        var drain = Scenario.Options.DrainTimeout;
        var hasDrained = drain == TimeSpan.Zero || (runner.DrainsSince is { } since && Now >= since + drain);
        return reason switch
        {
            RevocationReason.RunnerGone => runner.DiedAt is not null,
            RevocationReason.ShuttingDown => Shutdown is { } end && (hasDrained || Now >= end.Latest),
            RevocationReason.Yielded => holder.Terms.IsBackground && (IsSentAway(runner) || Array.Exists(Scenario.Models, m => m.PersonWaitedIn >= world.Moment)),
            _ => hasDrained,
        };
    }

    private void LookAtSnapshot()
    {
        var snapshot = world.Pool.Snapshot;
        var planned = ByteSize.Zero;
        var seen = 0;
        foreach (var shown in snapshot.Models)
        {
            planned += shown.Planned;
            var model = world.ModelOf(shown.Id);
            var runner = model.Alive;
            Demand(shown.Since <= world.Time.GetUtcNow() && shown.Leases >= 0, $"{shown} cannot be");
            var mayStandElsewhere = model.Waiting.Count(c => c.StandIn is not null);
            Demand(
                shown.Waiting >= model.Waiting.Count - mayStandElsewhere && shown.Waiting <= model.PerhapsWaiting.Count(),
                $"{shown}, and {model.Waiting.Count} wait for it, of whom {mayStandElsewhere} may wait elsewhere");
            seen += shown.Waiting;
            if (shown.State is ResidentState.Absent or ResidentState.Cooling)
            {
                Demand(runner is null && shown.Leases == 0 && shown.Planned == ByteSize.Zero, $"{shown}, and its process is there");
                continue;
            }

            Demand(runner is not null, $"{shown}, and there is no process of it");
            Demand(shown.Planned == runner!.Planned, $"{shown}, and it was launched for {runner.Planned}");
            Demand(
                shown.State switch
                {
                    ResidentState.Launching => runner.ReadyAt is null && runner.CancelledAt is null,
                    ResidentState.Stopping => runner.StopAskedAt is not null || runner.CancelledAt is not null,
                    _ => runner is { ReadyAt: not null, DiedAt: null, StopAskedAt: null } && shown.Pid == runner.Pid,
                },
                $"{shown}, and it is not so");
            LookAtLeases(shown, runner);
            LookAtDeparture(shown, runner);
        }

        // Whoever leaves counts with its bytes, and not as one of those that may be in memory.
        var counted = snapshot.Models.Count(m => m.State is ResidentState.Launching or ResidentState.Ready && !world.ModelOf(m.Id).Alive!.Spec.Pinned);
        Demand(Scenario.Options.MaxResident == 0 || counted <= Scenario.Options.MaxResident, $"{counted} models are in memory");
        Demand(seen == _waiting.Count, $"{_waiting.Count} requests wait, and the snapshot knows of {seen}");
        Demand(planned == snapshot.Planned && planned == Sum(_alive), $"{Sum(_alive)} are planned, and the snapshot says {snapshot.Planned}");
        Demand(snapshot.IsShuttingDown == Shutdown is not null, $"the snapshot does not know whether the gateway is shutting down");
    }

    private void LookAtLeases(ResidentSnapshot shown, SimulatedRunner runner)
    {
        var leases = shown.State is ResidentState.Ready or ResidentState.Draining ? runner.Holders.Count : 0;
        Demand(shown.Leases == leases, $"{shown}, and {leases} leases are out");
        if (shown.State is ResidentState.Ready)
        {
            var limit = runner.Spec.MaxConcurrency == 0 ? int.MaxValue : runner.Spec.MaxConcurrency;
            Demand(leases <= limit, $"{shown}, and it may have {limit}");
            Demand(!runner.Model.People.Any() || leases == limit, $"{shown}, and nobody is served");
            LookAtBackgroundOf(shown, runner);
            Demand(
                leases > 0 || shown.Waiting > 0 || MostIdle(runner) is not { } idle || runner.Spec.Pinned || Now <= runner.Model.LastTouched + idle + Slack,
                $"{shown} has been idle since {runner.Model.LastTouched} and is still there");
        }
    }

    private void LookAtDeparture(ResidentSnapshot shown, SimulatedRunner runner)
    {
        if (shown.State is ResidentState.Draining)
        {
            // ... it may have been let off and sent away again within this moment.
            _lastTurn = Now;
            runner.DrainsSince = runner.DrainsSince is null || shown.Since == world.Time.GetUtcNow() ? Now : runner.DrainsSince;
            Demand(Now <= runner.DrainsSince + Scenario.Options.DrainTimeout + Slack, $"{shown} drains for ever");
            Demand(
                IsSentAway(runner) || _alive.Exists(r => r.StartedAt >= runner.DrainsSince) || Array.Exists(Scenario.Models, m => m.PerhapsWaiting.Any() && m.Alive is not { ReadyAt: not null }),
                $"{shown} drains, and nobody waits for its place any more");
        }
        else
        {
            runner.DrainsSince = null;
        }

        var leaves = shown.State is ResidentState.Draining or ResidentState.Stopping;
        var begins = leaves && !runner.Leaves;
        runner.Leaves = leaves;
        if (begins && runner.DiedAt is null && runner.ReadyAt is not null && !IsSentAway(runner) && !IsLate(runner) && runner.CancelledAt is null)
        {
            var hasIdled = shown.State is ResidentState.Stopping && LeastIdle(runner) is { } idle && runner.Holders.Count == 0 && Now - runner.Model.LastUsed >= idle;
            Demand(!runner.Spec.Pinned, $"{shown} is pinned and was sent away");
            if (!hasIdled)
            {
                LookAtEviction(shown, runner);
            }
        }
    }

    private void LookAtEviction(ResidentSnapshot shown, SimulatedRunner victim)
    {
        // ... a caller that left in this moment may have been granted and not have noticed.
        Demand(
            victim.Grants > 0 || victim.Model.LeftIn == world.Moment || !victim.Model.People.Any(c => c.AskedIn < world.Moment),
            $"{shown} was evicted before it had served");

        // ... what leaves in the same moment leaves with it: the snapshot says of each where it stands.
        var staying = world.Pool.Snapshot.Models
            .Where(m => m.State is ResidentState.Launching or ResidentState.Ready)
            .Select(m => world.ModelOf(m.Id).Alive!)
            .ToList();
        var isForPeople = Array.Exists(Scenario.Models, m => m.PersonWaitedIn >= world.Moment && WouldFit(m, staying));
        var isForBackground = Array.Exists(Scenario.Models, m => m.BackgroundWaitedIn >= world.Moment && WouldFit(m, staying));
        Demand(isForPeople || isForBackground, $"{shown} was evicted, and nobody who waits would fit even so");
        Demand(isForPeople || IsLeftByPeople(victim), $"{shown} was evicted for background work, and it has served a person at {victim.Model.LastPerson}");
        Demand(HasSeenAllReady(), $"{shown} was evicted on a reading of memory from before a neighbour was ready");
        if (isForPeople && !isForBackground)
        {
            LookAtPriority(shown, victim, staying);
        }
    }

    // ... it may have been launched in the very moment, if a later reading showed more than the one on which the victim was chosen.
    private bool WouldFit(SimulatedModel newcomer, List<SimulatedRunner> staying)
    {
        if (newcomer.Alive is { } runner && runner.StartedIn != world.Moment)
        {
            return false;
        }

        var others = staying.Where(r => r.Model != newcomer).ToList();
        var most = Scenario.Options.MaxResident;
        return !others.Exists(r => r.Model.IsRivalOf(newcomer)) && Sum(others) + newcomer.Least <= world.Machine.MostUsable && (most == 0 || newcomer.Current.Pinned || others.Count(r => !r.Spec.Pinned) < most);
    }

    private void LookAtRunners()
    {
        foreach (var runner in _alive)
        {
            Demand(
                runner.Holders.TrueForAll(h => h.IsTold) || (runner.DiedAt is null && runner.StopAskedAt is null),
                $"{runner.Holders.Count} leases of {runner.Spec.Id} outlived their runner unnoticed");
            Demand(
                runner.DiedAt is null || runner.StopAskedAt is not null,
                $"{runner.Spec.Id} died, and what it may have started is left alone");
            Demand(
                runner.ReadyAt is not null || runner.CancelledAt is not null || Now <= runner.StartedAt + Scenario.Options.LaunchTimeout + Slack,
                $"{runner.Spec.Id} may launch for ever");
        }
    }

    // Waiting for memory that other programs hold has an end. While something launches the reading says too little, and counts for nothing; while somebody
    // waits for room who can have it, those behind are not looked at, and their time begins when they are.
    private void LookAtShortage()
    {
        var pinned = Sum(_alive.Where(r => r.Spec.Pinned && !r.Leaves));
        var isObscured = _alive.Exists(r => r.ReadyAt is null && r.CancelledAt is null);
        bool WaitsForRoom(SimulatedModel model) => model.Alive is null && model.People.Any();
        bool IsShort(SimulatedModel model) => pinned + model.Least > world.Machine.MostUsable;
        isObscured |= Array.Exists(Scenario.Models, m => m.Alive is null && m.PerhapsWaiting.Any() && !IsShort(m));
        foreach (var model in Scenario.Models)
        {
            var isShort = !isObscured && WaitsForRoom(model) && IsShort(model);
            model.ShortSince = isShort ? model.ShortSince ?? Now : null;
            Demand(
                model.ShortSince is not { } since || Now <= since + TimeSpan.FromSeconds(30) + Slack || model.People.All(c => Now <= c.AskedAt + TimeSpan.FromSeconds(30) + Slack),
                $"m{model.Number} waits for memory since {model.ShortSince}, and nobody is told that there is none");
        }
    }

    private void LookAtWaiting()
    {
        var options = Scenario.Options;
        foreach (var client in _waiting)
        {
            if (client.Terms.IsBackground)
            {
                Demand(
                    Now <= client.AskedAt + options.BackgroundPatience + Slack || IsLaunching(client.Model) || (client.StandIn is { } other && IsLaunching(other)),
                    $"client {client.Number} does background work, and has waited since {client.AskedAt}");
                continue;
            }

            LookAtSwap(client);

            // README.md derives it.
            var launch = options.LaunchTimeout + Scenario.LongestStop;
            var patience = options.SwapPatience ?? TimeSpan.FromSeconds(60);
            var swap = patience + options.DrainTimeout + Scenario.LongestStop + launch + launch + TimeSpan.FromSeconds(30) + Slack;
            var turn = (2 * swap) + (client.Spec.MaxConcurrency > 0 ? Scenario.LongestHold + Slack : TimeSpan.Zero);
            var since = client.AskedAt > _lastDisturbance ? client.AskedAt : _lastDisturbance;
            Demand(Now - since <= (1 + client.Ahead) * turn, $"client {client.Number} has waited for {client.Spec.Id} since {client.AskedAt}, with {client.Ahead} ahead of it");
        }
    }

    // Where everything that is in memory is ready, and whoever waits for a place would have one if they left, patience is all that keeps them there.
    private void LookAtSwap(Client client)
    {
        if (client.Model.Alive is not null || world.Machine.IsBroken || HasFailed(client.Model) || _alive.Exists(r => r.ReadyAt is null || r.Leaves || r.DiedAt is not null))
        {
            return;
        }

        var pinned = Sum(_alive.Where(r => r.Spec.Pinned));
        var since = new[] { client.AskedAt, _lastTurn, _lastDisturbance }.Max();
        var patience = Scenario.Options.SwapPatience ?? TimeSpan.FromSeconds(60);
        Demand(
            Now <= since + patience + Slack || pinned + client.Model.MostOfLeast > world.Machine.LeastUsable,
            $"client {client.Number} waits for a place for {client.Spec.Id} since {client.AskedAt}, and nobody leaves for it");
    }
}
