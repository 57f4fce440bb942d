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
            Draining => resident.LeavesForGood ? $"it leaves when its {resident.Leases} requests are over" : $"it leaves for {_swap?.Newcomer.Id ?? "another model"} when its {resident.Leases} requests are over",
            Stopping => "its process is being stopped",
            _ => $"it failed: {resident.Failure.TrimEnd()}",
        });

    private WaitingExplanation ExplainWaiting(Resident resident, DateTimeOffset now)
    {
        var (why, until) = WhyWaiting(resident, now);
        return new(resident.Id, resident.Waiting.People, resident.Waiting.Count - resident.Waiting.People, now - resident.Waiting.Oldest!.ArrivedAt, why, until);
    }

    private (string Why, DateTimeOffset? Until) WhyWaiting(Resident resident, DateTimeOffset now) => resident.State switch
    {
        Launching => ("its runner is starting", resident.Since + options.LaunchTimeout),
        Ready when !AsksForPeople(resident) => ("it is background work, and people come first", resident.Waiting.OldestBackground!.ArrivedAt + options.BackgroundPatience),
        Ready => ($"all {resident.Spec.MaxConcurrency.ToString(CultureInfo.InvariantCulture)} places of the model are taken", null),
        Draining => ("its runner is leaving and is launched again afterwards", DrainDeadline(resident)),
        Stopping => ("its runner is being stopped and is launched again afterwards", null),
        Cooling => ("it failed and is left alone", resident.CoolUntil),
        _ => WhyAbsent(resident, now),
    };

    private (string Why, DateTimeOffset? Until) WhyAbsent(Resident newcomer, DateTimeOffset now)
    {
        if (Memory is not { } memory)
        {
            return ("the machine's memory has not been read yet", null);
        }

        if (_swap is { } swap && swap.Newcomer != newcomer)
        {
            return ($"the swap to {swap.Newcomer.Id} comes first", null);
        }

        return EvictionPlanner.Plan(newcomer, _residents, memory.Usable, options.MaxResident, TermsOf(newcomer), now) switch
        {
            EvictionPlan.Fits => ("it is about to be launched", now),
            EvictionPlan.Evict { From: var from } when from == DateTimeOffset.MaxValue => ("it is background work, and other models are in use", newcomer.Waiting.Oldest!.ArrivedAt + options.BackgroundPatience),
            EvictionPlan.Evict plan => ($"it needs the room of {Names(plan.Victims)}, which {(plan.Victims.Any(v => v.Leases > 0) ? "serves" : "is kept for clients that have been coming back")}", plan.From),
            EvictionPlan.Short => ($"other programs hold the memory: it needs {newcomer.Need.Total}, and models may use {memory.Usable} now", newcomer.ShortSince + ShortagePatience),
            _ when _residents.Exists(r => r.IsLeaving) => ($"{Names(_residents.Where(r => r.IsLeaving))} must be gone first", null),
            _ => ($"{Names(_residents.Where(r => r.HoldsMemory && !r.Spec.Pinned))} must have served first", null),
        };
    }

    private IEnumerable<ExpectedEvent> Expected(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            switch (resident.State)
            {
                case Ready when resident.IsIdle && IdleDeadline(resident, now) is { } leaves:
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
                case Absent when resident.Waiting.Count > 0 && WhyAbsent(resident, now) is { Until: { } until } wait:
                    yield return new(until, resident.Id, $"need not wait longer: {wait.Why}");
                    break;
            }
        }
    }

    private static string Names(IEnumerable<Resident> residents) => string.Join(", ", residents.Select(r => r.Id));

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    private static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
