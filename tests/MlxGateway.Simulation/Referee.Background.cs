using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

// Work that nobody waits for, requests that say how long their model is to stay, models that may not be together or leave before others, and those that an earlier gateway kept.
internal sealed partial class Referee
{
    // How long the pool holds a background request before it serves it, because a person's own may be on its way.
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(0.5);

    // Judged when the moment is over: a person whose lease was granted in it is seen to have it by then.
    private void LookAtBackground()
    {
        foreach (var (client, runner) in _backgroundGrants)
        {
            Demand(
                !runner.Model.People.Any(c => c.AskedIn < world.Moment),
                $"client {client.Number} does background work and got a lease of {runner.Spec.Id}, for which a person waits");
            Demand(
                !runner.Holders.Exists(h => !h.Terms.IsBackground && h.GrantedIn < world.Moment),
                $"client {client.Number} does background work and got a lease of {runner.Spec.Id}, which serves a person");
            Demand(Now >= client.AskedAt + Hold, $"client {client.Number} does background work and got a lease of {runner.Spec.Id} before a person's request could come");
        }

        _backgroundGrants.Clear();
    }

    private void LookAtBackgroundOf(ResidentSnapshot shown, SimulatedRunner runner)
    {
        // Whoever waits for a place that background work has, gets it as soon as that has ended.
        var waiting = runner.Model.People.Count();
        var (all, told) = (runner.Background.Count(), runner.Background.Count(h => h.IsTold));
        Demand(told >= Math.Min(waiting, all), $"{shown}: {waiting} people wait for it, and of {all} leases for background work {told} were told to end");

        // ... and where no person is in its way, it is done.
        var limit = runner.Spec.MaxConcurrency == 0 ? int.MaxValue : runner.Spec.MaxConcurrency;
        Demand(
            shown.Waiting == 0 || shown.Leases == limit || told > 0 || shown.Leases > all || PeopleWaiting > 0 || runner.Model.PerhapsWaiting.Any(c => Now <= c.AskedAt + Hold + Slack),
            $"{shown}: background work waits for it, and nobody is in its way");
    }

    private static bool IsLaunching(SimulatedModel model) => model.Alive is { ReadyAt: null, CancelledAt: null };

    // Whether background work may have its place.
    private bool IsLeftByPeople(SimulatedRunner victim) =>
        victim.Holders.Count == 0 && (victim.Model.LastPerson is not { } last || Now - last >= Scenario.Options.BackgroundRespite);

    // A launch for background work alone is given up for people who want its place.
    private bool MayBeGivenUp(SimulatedRunner runner) => runner.LaunchedFor.TrueForAll(c => c.HasLeft)
        && !runner.Model.People.Any(c => c.AskedIn < world.Moment)
        && Array.Exists(Scenario.Models, m => m != runner.Model && m.PersonWaitedIn >= world.Moment);

    // What a lease that is not sure was granted to somebody who has left may count, and may not.
    private void WantsToStay(SimulatedRunner? runner, Client client, bool isSure)
    {
        if (runner is null || client.Terms.IsBackground)
        {
            return;
        }

        if (isSure && runner.KeepAlivesIn != world.Moment)
        {
            runner.KeepAlives.Clear();
        }
        else if (!isSure && runner.KeepAlives.Count == 0)
        {
            runner.KeepAlives.Add(null);
        }

        runner.KeepAlivesIn = world.Moment;
        runner.KeepAlives.Add(client.Terms.KeepAlive);
    }

    // Null: for ever.
    private TimeSpan? LeastIdle(SimulatedRunner runner) => Idles(runner).Min();

    private TimeSpan? MostIdle(SimulatedRunner runner) => Idles(runner).ToList() is var idles && idles.Contains(null) ? null : idles.Max();

    // A configured zero means for ever, a client's means at once.
    private IEnumerable<TimeSpan?> Idles(SimulatedRunner runner)
    {
        var configured = runner.Spec.IdleTimeout ?? Scenario.Options.IdleTimeout;
        return (runner.KeepAlives.Count == 0 ? [null] : runner.KeepAlives).Select(keep => keep switch
        {
            null => configured == TimeSpan.Zero ? (TimeSpan?)null : configured,
            { } wanted => wanted == Timeout.InfiniteTimeSpan ? null : wanted,
        });
    }

    // Whether what is launched or sent away now was decided with all in sight that are ready.
    private bool HasSeenAllReady() => _alive.TrueForAll(r =>
        r.ReadyAt is null || r.ReadyIn == world.Moment || r.Leaves || r.DiedAt is not null || r.StopAskedAt is not null || r.CancelledAt is not null || world.Machine.HasSeen(r.Pid));

    private void LookAtCompany(SimulatedRunner newcomer)
    {
        var rival = _alive.Find(r => r.Model.IsRivalOf(newcomer.Model));
        Demand(rival is null, $"{newcomer.Spec.Id} is launched beside {rival?.Spec.Id}, and they are never in memory together");
        Demand(HasSeenAllReady(), $"{newcomer.Spec.Id} is launched on a reading of memory from before a neighbour was ready");
    }

    // Of two that nobody has used for longer than anybody is expected back, and of which either would do, the one of the lower number leaves.
    private void LookAtPriority(ResidentSnapshot shown, SimulatedRunner victim, List<SimulatedRunner> staying)
    {
        var longest = Scenario.Models.Max(m => m.MostLoadTime) + TimeSpan.FromSeconds(1);
        if (Array.Exists(Scenario.Models, m => m.PersonWaitedIn >= world.Moment && m.IsRivalOf(victim.Model)))
        {
            return;
        }

        var spared = staying.Find(r => r is { ReadyAt: not null, Spec.Pinned: false, Holders.Count: 0 }
            && r.Spec.Priority < victim.Spec.Priority
            && r.Planned >= victim.Planned
            && Now - r.Model.LastTouched > longest
            && r.Model.WaitedIn < world.Moment);
        Demand(spared is null, $"{shown} was evicted, and {spared?.Spec.Id} of priority {spared?.Spec.Priority} has been idle since {spared?.Model.LastTouched}");
    }

    // There was no place for it: it is stopped, and nobody waits for that.
    private void Dismissed(SimulatedRunner runner)
    {
        Trace.Add(Happening.Dismissed, runner.Model.Number);
        _alive.Remove(runner);
        runner.Model.Alive = null;
        var before = _alive.Where(r => _adopted.IndexOf(r) < _adopted.IndexOf(runner)).ToList();
        var most = Scenario.Options.MaxResident;
        Demand(
            before.Exists(r => r.Model.IsRivalOf(runner.Model))
            || (most > 0 && !runner.Spec.Pinned && before.Count(r => !r.Spec.Pinned) >= most)
            || Sum(before) + runner.Planned > Scenario.Ceiling,
            $"an earlier gateway kept {runner.Spec.Id}, and it is stopped although there is a place for it");
    }
}
