using MlxGateway.Supervision.Residency;

namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>
/// The longest that a person's request may wait, worked out from the ledger's laws when it comes, with room for one model.
/// </summary>
/// <remarks>
/// A *stage* is one swap with everything that it waits for: the newcomer's patience, then the longest running request of the victim, then the load. Every stage serves as many of the newcomer's
/// callers as it has slots. Only the oldest ticket that needs room may evict (law 3), so nobody but these is before a request:
/// <list type="bullet">
/// <item>the swap that has begun: its patience is over, so the rest of a request and a load;</item>
/// <item>of each other model one stage for as many older callers as there are slots;</item>
/// <item>its own model: one stage if that is not ready; two more, out and in again, for as many older callers as there are slots.</item>
/// </list>
/// </remarks>
internal sealed class WaitBound(int slots, TimeSpan load, TimeSpan longestRequest)
{
    private readonly TimeSpan _stage = PatienceOf(load) + longestRequest + load;

    /// <param name="residents">As they are just before it comes.</param>
    /// <param name="model">Whom it is for.</param>
    public TimeSpan Of(IReadOnlyList<Resident> residents, string model)
    {
        var own = residents.FirstOrDefault(r => r.Id == model);
        if (own is { State: ResidentState.Ready, Waiting.People: 0 } && own.PeopleServed < slots)
        {
            return TimeSpan.Zero;
        }

        var before = TimeSpan.Zero;
        if (residents.Any(r => r.IsLeaving || IsComing(r)))
        {
            before += longestRequest + load;
        }

        foreach (var other in residents.Where(r => r.Id != model))
        {
            var callers = other.Waiting.People - (IsComing(other) ? slots : 0);
            before += Math.Max(0, (callers + slots - 1) / slots) * _stage;
        }

        var turns = (own?.Waiting.People ?? 0) / slots;
        return before + own?.State switch
        {
            ResidentState.Launching when IsComing(own) => 2 * turns * _stage,
            ResidentState.Ready => 2 * (turns + 1) * _stage,
            _ => ((2 * turns) + 1) * _stage,
        };
    }

    // A launch for background requests alone is ended where a person needs the place.
    private static bool IsComing(Resident resident) => resident is { State: ResidentState.Launching, LaunchedForBackground: false } or { State: ResidentState.Launching, Waiting.People: > 0 };

    // SwapPatience: auto.
    private static TimeSpan PatienceOf(TimeSpan load) => TimeSpan.FromSeconds(Math.Clamp(load.TotalSeconds, 2, 60));
}
