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

    /// <summary>Room will come by itself: enough is on its way out, or is still loading and may leave later.</summary>
    public sealed record Wait : EvictionPlan;

    /// <summary>Not even an empty house would have room: other programs hold the memory.</summary>
    public sealed record Short : EvictionPlan;
}

/// <summary>What a newcomer may ask of those in its way.</summary>
/// <param name="AskedAt">When its oldest waiting caller came.</param>
/// <param name="Patience">How long it waits for busy models, and at most for those that are kept for their clients.</param>
/// <param name="Cost">What the swap costs: the newcomer's measured load time; null if it was never measured.</param>
internal readonly record struct SwapTerms(DateTimeOffset AskedAt, TimeSpan Patience, TimeSpan? Cost)
{
    /// <summary>From when on <paramref name="victim"/> may be sent away. Patience begins anew when a victim becomes ready, so that a swap is worth its cost.</summary>
    public DateTimeOffset MayLeaveFrom(Resident victim)
    {
        var limit = (AskedAt > victim.ReadySince ? AskedAt : victim.ReadySince) + Patience;
        if (!victim.IsIdle)
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
    private static readonly EvictionPlan Wait = new EvictionPlan.Wait();
    private static readonly EvictionPlan Short = new EvictionPlan.Short();

    /// <summary>Whether the newcomer could not be in memory even if everything left that may leave, and no other program ran.</summary>
    /// <param name="need">What the newcomer needs.</param>
    /// <param name="immovable">What those hold that are never evicted.</param>
    /// <param name="ceiling">The most that all models together may ever use.</param>
    public static bool CanNeverFit(MemoryNeed need, ByteSize immovable, ByteSize ceiling) => need.Total + immovable > ceiling;

    /// <summary>The best way to launch a newcomer for which there can be room now, evictions counted; the least where there is none.</summary>
    /// <remarks>While a neighbour launches, what that has taken is not seen as ours yet, so a reading would make the newcomer smaller than it need be: then the whole machine counts, and the newcomer waits.</remarks>
    public static MemoryNeed NeedFor(MemoryNeeds needs, IReadOnlyCollection<Resident> residents, MemoryObservation memory)
    {
        var all = residents.Any(r => r.State is ResidentState.Launching) ? memory.Ceiling : memory.Usable;
        return needs.Within(all - Immovable(residents)) ?? needs.Least;
    }

    /// <summary>What those hold that are never evicted.</summary>
    public static ByteSize Immovable(IEnumerable<Resident> residents) => Sum(residents.Where(r => r.HoldsMemory && r.Spec.Pinned && !r.IsLeaving));

    /// <summary>What all hold together.</summary>
    public static ByteSize Held(IEnumerable<Resident> residents) => Sum(residents.Where(r => r.HoldsMemory));

    /// <param name="newcomer">Who wants in; absent.</param>
    /// <param name="residents">Everybody.</param>
    /// <param name="usable">What all models together may use now.</param>
    /// <param name="maxResident">How many may be in memory, pinned ones not counted; 0: any number.</param>
    /// <param name="terms">What the newcomer may ask of others.</param>
    /// <param name="now">The time.</param>
    public static EvictionPlan Plan(Resident newcomer, IReadOnlyCollection<Resident> residents, ByteSize usable, int maxResident, SwapTerms terms, DateTimeOffset now)
    {
        var toFree = new Room(Held(residents) + newcomer.Need.Total - usable, Excess(newcomer, residents, maxResident));
        if (toFree.IsEnough)
        {
            return Fits;
        }

        if (Immovable(residents) + newcomer.Need.Total > usable)
        {
            // What a launching runner uses is not seen as ours yet, so the reading is too low until it is ready.
            return residents.Any(r => r.State is ResidentState.Launching) ? Wait : Short;
        }

        foreach (var leaving in residents.Where(r => r.IsLeaving))
        {
            toFree = toFree.Less(leaving);
        }

        return toFree.IsEnough ? Wait : Choose(residents, toFree, terms, now);
    }

    private static EvictionPlan Choose(IEnumerable<Resident> residents, Room toFree, SwapTerms terms, DateTimeOffset now)
    {
        var candidates = residents
            .Where(r => r is { State: ResidentState.Ready, Spec.Pinned: false, HasServed: true })
            .Select(r => (Resident: r, From: terms.MayLeaveFrom(r)))
            .OrderBy(c => !c.Resident.IsIdle)
            .ThenBy(c => c.From > now)
            .ThenBy(c => c.Resident.LastUsed);
        var victims = new List<(Resident Resident, DateTimeOffset From)>();
        foreach (var candidate in candidates)
        {
            victims.Add(candidate);
            toFree = toFree.Less(candidate.Resident);
            if (toFree.IsEnough)
            {
                Spare(victims, toFree);
                return new EvictionPlan.Evict([.. victims.Select(v => v.Resident)], victims.Max(v => v.From));
            }
        }

        return Wait;
    }

    // A later, larger victim may make an earlier one unnecessary.
    private static void Spare(List<(Resident Resident, DateTimeOffset From)> victims, Room toFree)
    {
        for (var i = victims.Count - 2; i >= 0; i--)
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
        maxResident == 0 || newcomer.Spec.Pinned ? 0 : residents.Count(r => r.HoldsMemory && !r.Spec.Pinned) + 1 - maxResident;

    private static ByteSize Sum(IEnumerable<Resident> residents)
    {
        var sum = ByteSize.Zero;
        foreach (var resident in residents)
        {
            sum += resident.Need.Total;
        }

        return sum;
    }

    // What is still to be freed. A pinned model that is being unloaded frees bytes, but no place among the counted ones.
    private readonly record struct Room(ByteSize Bytes, int Places)
    {
        public bool IsEnough => Bytes <= ByteSize.Zero && Places <= 0;

        public Room Less(Resident leaving) => new(Bytes - leaving.Need.Total, Places - (leaving.Spec.Pinned ? 0 : 1));

        public Room More(Resident staying) => new(Bytes + staying.Need.Total, Places + (staying.Spec.Pinned ? 0 : 1));
    }
}
