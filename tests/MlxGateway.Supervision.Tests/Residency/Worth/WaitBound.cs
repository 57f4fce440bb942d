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
/// <item>of each other model for which somebody waits: one stage for as many callers as there are slots;</item>
/// <item>its own model: one stage if that is not ready; two more, out and in again, for as many callers before it as there are slots.</item>
/// </list>
/// Clients take turns where several wait for the same model, so each other one of that model's may be before it once, also one that comes later. Where nobody waits there are no turns to keep.
/// Every client waits for one answer at a time.
/// </remarks>
internal sealed class WaitBound
{
    private readonly int _slots;
    private readonly TimeSpan _load;
    private readonly TimeSpan _longestRequest;
    private readonly TimeSpan _stage;
    private readonly Dictionary<string, HashSet<string>> _clients;

    /// <param name="trace">Who asks for what.</param>
    /// <param name="slots">How many requests a model serves at once.</param>
    /// <param name="load">How long every load takes.</param>
    public WaitBound(Trace trace, int slots, TimeSpan load)
    {
        var people = trace.Requests.Where(r => !r.IsBackground).ToList();
        _slots = slots;
        _load = load;
        _longestRequest = people.Max(r => r.Service);
        _stage = PatienceOf(load) + _longestRequest + load;
        _clients = people.GroupBy(r => r.Model).ToDictionary(m => m.Key, m => m.Select(r => r.Client).ToHashSet());
    }

    /// <param name="residents">As they are just before it comes.</param>
    /// <param name="request">The request.</param>
    public TimeSpan Of(IReadOnlyList<Resident> residents, TraceRequest request)
    {
        var own = residents.FirstOrDefault(r => r.Id == request.Model);
        if (own is { State: ResidentState.Ready, Waiting.People: 0 } && own.PeopleServed < _slots)
        {
            return TimeSpan.Zero;
        }

        var before = TimeSpan.Zero;
        if (residents.Any(r => r.IsLeaving || IsComing(r)))
        {
            before += _longestRequest + _load;
        }

        foreach (var other in residents.Where(r => r.Id != request.Model && r.Waiting.People > 0))
        {
            before += (OthersOf(other.Id, request) + _slots - 1) / _slots * _stage;
        }

        var turns = own is { Waiting.Count: > 0 } ? OthersOf(own.Id, request) / _slots : 0;
        return before + own?.State switch
        {
            ResidentState.Launching when IsComing(own) => 2 * turns * _stage,
            ResidentState.Ready => 2 * (turns + 1) * _stage,
            _ => ((2 * turns) + 1) * _stage,
        };
    }

    // A launch for background requests alone is ended where a person needs the place.
    private static bool IsComing(Resident resident) => resident is { State: ResidentState.Launching, LaunchedForBackground: false } or { State: ResidentState.Launching, Waiting.People: > 0 };

    private int OthersOf(string model, TraceRequest request) => _clients[model].Count(c => c != request.Client);

    // SwapPatience: auto.
    private static TimeSpan PatienceOf(TimeSpan load) => TimeSpan.FromSeconds(Math.Clamp(load.TotalSeconds, 2, 60));
}
