using System.Globalization;
using MlxGateway.Supervision.Memory;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// Says what the ledger knows and means to do. Changes nothing.
internal sealed partial class ResidencyLedger
{
    /// <summary>The present in words and numbers.</summary>
    public PoolExplanation Explain(DateTimeOffset now)
    {
        var memory = Memory ?? default;
        return new PoolExplanation(
            now,
            memory.Ceiling,
            memory.Usable,
            EvictionPlanner.Held(_residents),
            [.. _residents.Where(r => r.State is not Absent).OrderBy(r => r.Id, StringComparer.Ordinal).Select(r => ExplainResident(r, now))],
            [.. _residents.Where(r => r.Waiting.Count > 0).OrderByDescending(AsksForPeople).ThenBy(r => r.Waiting.Oldest!.Order).Select(r => ExplainWaiting(r, now))],
            [.. Expected(now).OrderBy(e => e.At)],
            [.. _journal.Last.Reverse()]);
    }

    private ResidentExplanation ExplainResident(Resident resident, DateTimeOffset now) => new(
        resident.Id,
        resident.State,
        resident.Since,
        resident.HoldsMemory ? resident.Need.Total : default,
        resident.PeopleServed,
        resident.Background.Count,
        resident.IsIdle ? now - resident.LastUsed : null,
        resident.LoadTime,
        resident.State switch
        {
            Launching => $"its runner is starting{(resident.LoadTime is { } load ? $"; the last load took {Seconds(load)}" : "")}",
            Ready when resident.Leases > 0 => "it serves",
            Ready when resident.Spec.Pinned => "it is pinned",
            Ready when IdleDeadline(resident, now) is { } leaves => $"it was used {Seconds(now - resident.LastUsed)} ago and stays until {Clock(leaves)} unless others need the room",
            Ready => "it stays until others need the room",
            Draining when resident.Leases > 0 => $"it leaves{ForWhom(resident)} when {(resident.Leases == 1 ? "its request is" : $"its {Number(resident.Leases)} requests are")} over",
            Draining => $"it leaves{ForWhom(resident)} together with {Names(_residents.Where(r => DrainsForSwap(r) && r.Leases > 0))}",
            Stopping => "its process is being stopped",
            _ => $"it failed: {resident.Failure.TrimEnd()}",
        });

    private string ForWhom(Resident leaving) => leaving.GivesWayTo is { } newcomer ? $" for {newcomer.Id}" : DrainsForSwap(leaving) && _swap is { } swap ? $" for {swap.Newcomer.Id}" : "";

    private WaitingExplanation ExplainWaiting(Resident resident, DateTimeOffset now)
    {
        var wait = WaitOf(resident, now);
        return new(resident.Id, resident.Waiting.People, resident.Waiting.Count - resident.Waiting.People, now - resident.Waiting.Oldest!.ArrivedAt, wait.Why, wait.Until);
    }

    // Background work is refused after a while, whatever it waits for; but for a load that is under way.
    private Wait WaitOf(Resident resident, DateTimeOffset now)
    {
        var wait = resident.State switch
        {
            Launching => new Wait("its runner is starting", resident.Since + options.LaunchTimeout),
            Ready when !AsksForPeople(resident) => WaitBehindPeople(resident),
            Ready => new Wait(AllPlacesTaken(resident)),
            Draining => new Wait($"its runner leaves{ForWhom(resident)} and is launched again afterwards", DrainDeadline(resident)),
            Stopping => new Wait("its runner is being stopped and is launched again afterwards"),
            Cooling => new Wait("it failed and is left alone", resident.CoolUntil),
            _ => WaitForRoom(resident, now),
        };
        return !AsksForPeople(resident) && resident.State is not Launching && resident.Waiting.OldestBackground!.ArrivedAt + options.BackgroundPatience is var end && !(wait.Until < end)
            ? wait with { Until = end, Then = "background work is refused, unless its turn has come" }
            : wait;
    }

    private Wait WaitBehindPeople(Resident resident) =>
        !MayServeBackground(resident) ? new(resident is { PeopleServed: 0, Yielding: 0, TakesAnother: false } ? AllPlacesTaken(resident) : "it is background work, and people come first")
        : new("it is background work, and a person's request may be about to come", resident.Waiting.OldestBackground!.ArrivedAt + BackgroundHold);

    private Wait WaitForRoom(Resident newcomer, DateTimeOffset now)
    {
        if (newcomer.PassedOverIn == _pass)
        {
            var oldest = newcomer.Waiting.Oldest!.ArrivedAt;
            var end = (oldest > newcomer.ShortSince ? oldest : newcomer.ShortSince) + ShortagePatience;
            return _settledAt - _observedAt > ObservationLifetime
                ? new("the machine's memory has to be read first", end, "is refused, unless memory can be read again")
                : new($"other programs hold the memory: it needs {newcomer.Need.Total}, and models may use {Memory!.Value.Usable} now", end, "is refused, unless there is memory for it again");
        }

        if (NextNewcomer() is { } first && first != newcomer)
        {
            return new(_swap?.Newcomer == first ? $"the swap to {first.Id} comes first"
                : AsksForPeople(first) && !AsksForPeople(newcomer) ? $"it is background work, and the people who wait for {first.Id} come first"
                : $"{first.Id} comes first, which has been waited for longer");
        }

        switch (PlanFor(newcomer, now))
        {
            case EvictionPlan.Evict plan when MayBeForNothing(plan, newcomer, Memory!.Value, now):
                return new($"{Names(_residents.Where(r => r.State is Launching))} must be ready first: there may be room beside it");

            case EvictionPlan.Evict { From: var from } when from == DateTimeOffset.MaxValue:
                return new("it is background work, and other models are in use");

            case EvictionPlan.Evict plan:
                return new(WhyNotYet(plan, TermsOf(newcomer), now), plan.From, $"takes the place of {Names(plan.Victims)}, to whom nothing new is given from then on");

            case EvictionPlan.Wait { For: WaitCause.Leaving }:
                return new($"{Names(_residents.Where(r => r.IsLeaving))} must be gone first");

            case EvictionPlan.Wait { For: WaitCause.Unserved }:
                return new($"{Names(_residents.Where(r => r is { HoldsMemory: true, IsLeaving: false, Spec.Pinned: false, MayBeVictim: false }))} must have served first");

            case EvictionPlan.Wait:
                return new($"{Names(_residents.Where(r => r.State is Launching))} must be ready first: then it can be seen how much memory is left");

            default:
                return new("it is about to be launched", now);
        }
    }

    private EvictionPlan PlanFor(Resident newcomer, DateTimeOffset now) => EvictionPlanner.Plan(newcomer, _residents, Memory?.Usable ?? default, options.MaxResident, TermsOf(newcomer), now);

    private static string WhyNotYet(EvictionPlan.Evict plan, SwapTerms terms, DateTimeOffset now)
    {
        string? Hold(Resident victim) => !victim.IsFreeOfPeople ? "serves" : terms.MayLeaveFrom(victim) > now ? "is kept for clients that have been coming back" : null;

        var needs = $"it needs the room of {Names(plan.Victims)}";
        return plan.Victims is [var only]
            ? Hold(only) is { } hold ? $"{needs}, which {hold}" : needs
            : $"{needs}: {string.Join(", ", plan.Victims.Where(v => Hold(v) is not null).Select(v => $"{v.Id} {Hold(v)}"))}";
    }

    private IEnumerable<ExpectedEvent> Expected(DateTimeOffset now)
    {
        var inTheWay = NextNewcomer() is { } first && PlanFor(first, now) is EvictionPlan.Evict { From: var from } plan && from < DateTimeOffset.MaxValue ? plan.Victims : [];
        foreach (var resident in _residents)
        {
            switch (resident.State)
            {
                case Ready when resident.IsIdle && IdleDeadline(resident, now) is { } leaves && !inTheWay.Contains(resident):
                    yield return new(leaves, resident.Id, "is unloaded, because nobody asks for it");
                    break;
                case Draining:
                    yield return new(DrainDeadline(resident), resident.Id, "leaves at the latest; what it still serves then is ended");
                    break;
                case Launching:
                    yield return new(resident.LoadTime is { } load && resident.Since + load > now ? resident.Since + load : resident.Since + options.LaunchTimeout, resident.Id, "is ready, or has failed");
                    break;
                case Cooling:
                    yield return new(resident.CoolUntil!.Value, resident.Id, "may be tried again");
                    break;
            }

            if (resident.Waiting.Count > 0 && WaitOf(resident, now) is { Until: { } until, Then: { } then })
            {
                yield return new(until, resident.Id, then);
            }
        }
    }

    private static string AllPlacesTaken(Resident resident) =>
        resident.Spec.MaxConcurrency == 1 ? "the only place of the model is taken" : $"all {Number(resident.Spec.MaxConcurrency)} places of the model are taken";

    private static string Names(IEnumerable<Resident> residents) => string.Join(", ", residents.Select(r => r.Id));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    private static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    // What somebody waits for, when that ends at the latest, and what happens then, as a phrase about the model; null: it depends on others, or what happens is told of somebody else.
    private readonly record struct Wait(string Why, DateTimeOffset? Until = null, string? Then = null);
}
