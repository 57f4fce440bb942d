using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>What it takes to make room for one more model.</summary>
internal abstract record EvictionPlan
{
    /// <summary>There is room now.</summary>
    public sealed record Fits : EvictionPlan;

    /// <summary>All of these must leave, and none of them before <paramref name="From"/>.</summary>
    public sealed record Evict(IReadOnlyList<Resident> Victims, DateTimeOffset From) : EvictionPlan;

    /// <summary>Room will come by itself.</summary>
    /// <param name="For">What it depends on.</param>
    public sealed record Wait(WaitCause For) : EvictionPlan;

    /// <summary>Not even an empty house would have room: other programs hold the memory.</summary>
    public sealed record Short : EvictionPlan;
}

/// <summary>What it depends on when there will be room for a newcomer without anybody being sent away.</summary>
internal enum WaitCause
{
    /// <summary>Enough is on its way out.</summary>
    Leaving,

    /// <summary>What a launching runner has taken is not seen as ours yet, so the reading of memory is too low.</summary>
    Unseen,

    /// <summary>Somebody in the way may not be sent away yet: it is launching, or has not served whom it was launched for.</summary>
    Unserved,
}

/// <summary>What a newcomer may ask of those in its way.</summary>
/// <param name="AskedAt">When its oldest waiting caller came.</param>
/// <param name="Patience">How long it waits for busy models, and at most for those that are kept for their clients.</param>
/// <param name="Cost">What the swap costs: the newcomer's measured load time; null if it was never measured.</param>
internal readonly record struct SwapTerms(DateTimeOffset AskedAt, TimeSpan Patience, TimeSpan? Cost)
{
    /// <summary>Nobody may be sent away.</summary>
    public static readonly SwapTerms OfPreload = new() { Respite = TimeSpan.MaxValue };

    /// <summary>Set where nobody but background requests waits for the newcomer: how long a model is safe from them after it has served a person.</summary>
    private TimeSpan? Respite { get; init; }

    /// <summary>What background requests may ask of others: nothing but the place of an idle model that no person has used for a while.</summary>
    public static SwapTerms OfBackground(TimeSpan respite) => new() { Respite = respite };

    /// <summary>From when on <paramref name="victim"/> may be sent away; never: <see cref="DateTimeOffset.MaxValue"/>. Patience begins anew when a victim becomes ready, so that a swap is worth its cost.</summary>
    public DateTimeOffset MayLeaveFrom(Resident victim)
    {
        if (Respite is { } respite)
        {
            return !victim.IsIdle || respite == TimeSpan.MaxValue ? DateTimeOffset.MaxValue : victim.LastPerson is { } last ? last + respite : DateTimeOffset.MinValue;
        }

        if (victim.State is ResidentState.Launching)
        {
            return DateTimeOffset.MinValue;
        }

        var limit = (AskedAt > victim.ReadySince ? AskedAt : victim.ReadySince) + Patience;
        if (!victim.IsFreeOfPeople)
        {
            return limit;
        }

        return victim.Habit.ExpectedUntil(Cost) is { } expected ? (expected < limit ? expected : limit) : DateTimeOffset.MinValue;
    }
}

/// <summary>Decides who must leave so that a newcomer fits. Pure: it never logs, waits or stops anything.</summary>
internal static class EvictionPlanner
{
    private static readonly EvictionPlan Fits = new EvictionPlan.Fits();
    private static readonly EvictionPlan WaitForLeaving = new EvictionPlan.Wait(WaitCause.Leaving);
    private static readonly EvictionPlan WaitForUnseen = new EvictionPlan.Wait(WaitCause.Unseen);
    private static readonly EvictionPlan WaitForUnserved = new EvictionPlan.Wait(WaitCause.Unserved);
    private static readonly EvictionPlan Short = new EvictionPlan.Short();

    /// <summary>Whether the newcomer could not be in memory even if everything left that may leave, and no other program ran.</summary>
    /// <param name="need">What the newcomer needs.</param>
    /// <param name="immovable">What those hold that are never evicted.</param>
    /// <param name="ceiling">The most that all models together may ever use.</param>
    public static bool CanNeverFit(MemoryNeed need, ByteSize immovable, ByteSize ceiling) => need.Total + immovable > ceiling;

    /// <summary>The best way to launch a newcomer for which there can be room now, evictions counted; the least where there is none.</summary>
    /// <remarks>While a neighbour launches, what that has taken is not seen as ours yet, so a reading would make the newcomer smaller than it need be: then the whole machine counts, and the newcomer waits.</remarks>
    /// <param name="needs">What it needs in each way in which it may be launched.</param>
    /// <param name="memoryKills">How often in a row the system killed it for memory: then it is counted with more.</param>
    /// <param name="residents">Everybody.</param>
    /// <param name="memory">The last reading.</param>
    public static MemoryNeed NeedFor(MemoryNeeds needs, int memoryKills, IReadOnlyCollection<Resident> residents, MemoryObservation memory)
    {
        var most = (residents.Any(r => r.State is ResidentState.Launching) ? memory.Ceiling : memory.Usable) - Immovable(residents);
        return memoryKills > 0 ? MemoryMargin.Of(needs, memoryKills, most) : needs.Within(most) ?? needs.Least;
    }

    /// <summary>What those hold that are never evicted.</summary>
    public static ByteSize Immovable(IEnumerable<Resident> residents) => Sum(residents.Where(r => r.HoldsMemory && r.Spec.Pinned && !r.IsLeaving));

    /// <summary>What all hold together.</summary>
    public static ByteSize Held(IEnumerable<Resident> residents) => Sum(residents.Where(r => r.HoldsMemory));

    /// <summary>Why a victim was chosen, as a phrase for a person: <c>idle 312 s, reload 2.1 s, frees 3.40 GB for qwen</c>.</summary>
    public static string Reason(Resident victim, Resident newcomer, DateTimeOffset now)
    {
        var use = victim.State is ResidentState.Launching ? "loading for background work" : victim.Leases == 0 ? $"idle {Seconds(now - victim.LastUsed, "0")}" : $"busy with {victim.Leases.ToString(CultureInfo.InvariantCulture)}";
        var reload = victim.LoadTime is { } load ? Seconds(load, "0.#") : "not measured";
        return $"{use}, reload {reload}, frees {victim.Need.Total} for {newcomer.Id}{(AreExclusive(victim, newcomer) ? ", never together with it" : "")}";
    }

    /// <summary>Whether a model, its bytes aside, may be in memory together with all those that do not leave.</summary>
    public static bool MayJoin(Resident resident, IReadOnlyCollection<Resident> residents, int maxResident) =>
        Excess(resident, residents, maxResident) <= 0 && !residents.Any(r => r is { HoldsMemory: true, IsLeaving: false } && AreExclusive(r, resident));

    /// <summary>Whether two models may never be in memory together.</summary>
    public static bool AreExclusive(Resident one, Resident other) =>
        (one.Spec.Group is { } group && group == other.Spec.Group && one != other) || one.Spec.ExclusiveWith.Contains(other.Id) || other.Spec.ExclusiveWith.Contains(one.Id);

    /// <param name="newcomer">Who wants in; absent.</param>
    /// <param name="residents">Everybody.</param>
    /// <param name="usable">What all models together may use now.</param>
    /// <param name="maxResident">How many may be in memory, pinned ones not counted; 0: any number.</param>
    /// <param name="terms">What the newcomer may ask of others.</param>
    /// <param name="now">The time.</param>
    public static EvictionPlan Plan(Resident newcomer, IReadOnlyCollection<Resident> residents, ByteSize usable, int maxResident, SwapTerms terms, DateTimeOffset now)
    {
        var toFree = new Room(Held(residents) + newcomer.Need.Total - usable, Excess(newcomer, residents, maxResident));
        var rivals = residents.Where(r => r.HoldsMemory && (AreExclusive(r, newcomer) || MustBeGoneFor(newcomer, r))).ToList();
        if (toFree.IsEnough && rivals.Count == 0)
        {
            return Fits;
        }

        if (Immovable(residents) + newcomer.Need.Total > usable)
        {
            // What a launching runner uses is not seen as ours yet, so the reading is too low until it is ready.
            return residents.Any(r => r.State is ResidentState.Launching) ? WaitForUnseen : Short;
        }

        foreach (var leaving in residents.Where(r => r.IsLeaving))
        {
            toFree = toFree.Without(leaving);
            rivals.Remove(leaving);
        }

        return toFree.IsEnough && rivals.Count == 0 ? WaitForLeaving : Choose(residents, rivals, toFree, terms, now);
    }

    private static EvictionPlan Choose(IEnumerable<Resident> residents, List<Resident> rivals, Room toFree, SwapTerms terms, DateTimeOffset now)
    {
        if (rivals.Exists(r => !r.MayBeVictim))
        {
            return WaitForUnserved;
        }

        var victims = rivals.ConvertAll(r => (Resident: r, From: terms.MayLeaveFrom(r)));
        toFree = rivals.Aggregate(toFree, (left, rival) => left.Less(rival));
        if (toFree.IsEnough)
        {
            return Evict(victims);
        }

        var candidates = residents
            .Where(r => r.MayBeVictim && !rivals.Contains(r))
            .Select(r => (Resident: r, From: terms.MayLeaveFrom(r)))
            .OrderBy(c => !c.Resident.IsFreeOfPeople && c.Resident.State is not ResidentState.Launching)
            .ThenBy(c => c.From > now)
            .ThenBy(c => c.Resident.Spec.Priority)
            .ThenBy(c => toFree.LossOf(c.Resident, now))
            .ThenBy(c => c.Resident.LastUsed);
        foreach (var candidate in candidates)
        {
            victims.Add(candidate);
            toFree = toFree.Less(candidate.Resident);
            if (toFree.IsEnough)
            {
                Spare(victims, rivals.Count, toFree);
                return Evict(victims);
            }
        }

        return WaitForUnserved;
    }

    private static bool MustBeGoneFor(Resident newcomer, Resident other) => newcomer.TakesAllRoom && (other.State is ResidentState.Stopping || (other.IsIdle && other.MayBeVictim));

    private static EvictionPlan.Evict Evict(List<(Resident Resident, DateTimeOffset From)> victims) => new([.. victims.Select(v => v.Resident)], victims.Max(v => v.From));

    // A later, larger victim may make an earlier one unnecessary.
    private static void Spare(List<(Resident Resident, DateTimeOffset From)> victims, int rivals, Room toFree)
    {
        for (var i = victims.Count - 2; i >= rivals; i--)
        {
            var without = toFree.More(victims[i].Resident);
            if (without.IsEnough)
            {
                toFree = without;
                victims.RemoveAt(i);
            }
        }
    }

    private static int Excess(Resident newcomer, IEnumerable<Resident> residents, int maxResident) =>
        maxResident == 0 || newcomer.Spec.Pinned ? 0 : residents.Count(r => r is { HoldsMemory: true, IsLeaving: false, Spec.Pinned: false }) + 1 - maxResident;

    private static ByteSize Sum(IEnumerable<Resident> residents)
    {
        var sum = ByteSize.Zero;
        foreach (var resident in residents)
        {
            sum += resident.Need.Total;
        }

        return sum;
    }

    private static string Seconds(TimeSpan time, string format) => $"{time.TotalSeconds.ToString(format, CultureInfo.InvariantCulture)} s";

    // What is still to be freed. Whoever leaves has no place any more, but holds bytes until it is gone. A pinned model that is being unloaded frees bytes, but no place among the counted ones.
    private readonly record struct Room(ByteSize Bytes, int Places)
    {
        public bool IsEnough => Bytes <= ByteSize.Zero && Places <= 0;

        public Room Without(Resident leaving) => this with { Bytes = Bytes - leaving.Need.Total };

        public Room Less(Resident leaving) => new(Bytes - leaving.Need.Total, Places - (leaving.Spec.Pinned ? 0 : 1));

        public Room More(Resident staying) => new(Bytes + staying.Need.Total, Places + (staying.Spec.Pinned ? 0 : 1));

        // What it is expected to cost to send it away, for each useful byte: the seconds of its reload, the less likely the longer nobody has asked for it.
        // GreedyDual-Size (Cao and Irani, 1997) weighs cost by size in the same way; idle time takes the place of its inflation, because it is known here.
        public double LossOf(Resident candidate, DateTimeOffset now)
        {
            var reload = (candidate.LoadTime ?? ResidencyLedger.LeastPatience).TotalSeconds;
            var idle = Math.Max(1, (now - candidate.LastUsed).TotalSeconds);
            var useful = Bytes <= ByteSize.Zero ? 1 : Math.Max(1, ByteSize.Min(candidate.Need.Total, Bytes).Bytes);
            return reload / idle / useful;
        }
    }
}
