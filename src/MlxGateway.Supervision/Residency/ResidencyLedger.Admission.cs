using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// Who comes in: room, swaps, and the memory that other programs hold.
internal sealed partial class ResidencyLedger
{
    /// <summary>How long a request waits for memory that other programs hold.</summary>
    internal static readonly TimeSpan ShortagePatience = TimeSpan.FromSeconds(30);

    /// <summary>How often memory is read while somebody waits for room.</summary>
    internal static readonly TimeSpan ObservationInterval = TimeSpan.FromSeconds(1);

    /// <summary>How old a reading may be on which a launch or an eviction is decided.</summary>
    internal static readonly TimeSpan ObservationLifetime = TimeSpan.FromSeconds(2);

    /// <summary>The least that a swap is taken to cost when nobody configured <c>SwapPatience</c>; also what is assumed of a model that was never loaded.</summary>
    internal static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(2);

    /// <summary>The longest wait for busy models when nobody configured <c>SwapPatience</c>.</summary>
    internal static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(60);

    private DateTimeOffset _observedAt;
    private DateTimeOffset _observeAt;
    private DateTimeOffset? _admitAt;
    private IReadOnlyCollection<int>? _own;
    private long _pass;

    private static bool AsksForPeople(Resident resident) => resident.Waiting.People > 0;

    private void Observe(MemoryObserved news, DateTimeOffset now)
    {
        Memory = news.Memory;
        _observedAt = now;
        _observeAt = now + ObservationInterval;
        _own = news.Own;
        foreach (var resident in _residents)
        {
            if (resident is { State: Ready or Draining, Runner: { } runner } && news.Own?.Contains(runner.Pid) == false)
            {
                LoseSight(now); // begun before that one was known, and heard of after it
            }
        }
    }

    // What a runner had taken before its process was known was read as if other programs held it: whoever wants room would have to send one away too many, or be launched smaller than need be.
    private void SeeReady(IRunner runner, DateTimeOffset now)
    {
        if (_own?.Contains(runner.Pid) != true)
        {
            LoseSight(now);
        }
    }

    // Nothing is decided on that reading any more; if somebody waits for room, there is a new one at once.
    private void LoseSight(DateTimeOffset now)
    {
        _observedAt = DateTimeOffset.MinValue;
        _observeAt = now;
    }

    private void AdmitWaiting(DateTimeOffset now)
    {
        _admitAt = null;
        if (_waiting == 0)
        {
            return;
        }

        _pass++;
        RefuseWhatNeverFits(now);
        while (NextNewcomer() is { } newcomer && Admit(newcomer, now))
        {
        }

        var somebodyWaits = false;
        foreach (var resident in _residents)
        {
            somebodyWaits |= resident.WaitsForRoom;
            resident.ShortSince = resident.WaitsForRoom && resident.PassedOverIn == _pass ? resident.ShortSince : null;
        }

        if (somebodyWaits && now >= _observeAt)
        {
            _observeAt = now + ObservationInterval;
            _effects.Add(new ObserveMemory());
        }
    }

    // Only the oldest ticket that needs room may evict, so a swap is never undone by the next one in line. But the room that was made for background work is a person's who wants it:
    // there may not be enough of it any more, and background work may not make more of it and would stand in everybody's way.
    private Resident? NextNewcomer()
    {
        if (_swap is { Newcomer: { WaitsForRoom: true } favoured } && favoured.PassedOverIn != _pass && (AsksForPeople(favoured) || !_residents.Exists(r => r.WaitsForRoom && AsksForPeople(r))))
        {
            return favoured;
        }

        Resident? first = null;
        foreach (var resident in _residents)
        {
            if (resident.WaitsForRoom && resident.PassedOverIn != _pass && (first is null || IsBefore(resident, first)))
            {
                first = resident;
            }
        }

        return first;
    }

    // People before background work, and among equals whoever came first.
    private static bool IsBefore(Resident one, Resident other) =>
        AsksForPeople(one) != AsksForPeople(other) ? AsksForPeople(one) : one.Waiting.Oldest!.Order < other.Waiting.Oldest!.Order;

    // True if the newcomer is taken care of and the next one may have a turn.
    private bool Admit(Resident newcomer, DateTimeOffset now)
    {
        if (Memory is not { } memory || now - _observedAt > ObservationLifetime)
        {
            GoShort(newcomer, now, memoryIsKnown: false);
            return true;
        }

        newcomer.Need = EvictionPlanner.NeedFor(newcomer.Needs, newcomer.MemoryKills, _residents, memory);
        newcomer.LoadTime ??= newcomer.Need.LoadTime;
        switch (EvictionPlanner.Plan(newcomer, _residents, memory.Usable, options.MaxResident, TermsOf(newcomer), now))
        {
            case EvictionPlan.Fits:
                Launch(newcomer, now);
                return true;

            case EvictionPlan.Evict plan when MayBeForNothing(plan, newcomer, memory, now):
                return false;

            case EvictionPlan.Evict plan when now >= plan.From:
                Evict(plan.Victims, newcomer, now);
                if (EvictionPlanner.Plan(newcomer, _residents, memory.Usable, options.MaxResident, TermsOf(newcomer), now) is EvictionPlan.Fits)
                {
                    // Both fit: only the number of models was in the way, and whoever leaves does not count any more.
                    Launch(newcomer, now);
                    return true;
                }

                ReadAhead(newcomer, memory);
                return false;

            case EvictionPlan.Evict { From: var from } when from == DateTimeOffset.MaxValue && newcomer.Waiting.Oldest is { Terms.MayEvict: false } ahead:
                Refuse(ahead, Refusal.NoRoomAhead(newcomer.Id, newcomer.Need), now);
                return true;

            case EvictionPlan.Evict plan:
                _admitAt = plan.From == DateTimeOffset.MaxValue ? _admitAt : Earlier(_admitAt, plan.From);
                ReadAhead(newcomer, memory);
                return false;

            case EvictionPlan.Short:
                EndSwapOf(newcomer, now);
                GoShort(newcomer, now, memoryIsKnown: true);
                return true;

            default:
                return false;
        }
    }

    // While a neighbour launches the machine may have as much more as that may have taken. Whoever would not have to leave then stays until it is ready and the reading is clear.
    private bool MayBeForNothing(EvictionPlan.Evict plan, Resident newcomer, MemoryObservation memory, DateTimeOffset now)
    {
        var unseen = EvictionPlanner.Held(_residents.Where(r => r.State is Launching));
        var most = ByteSize.Min(memory.Ceiling, memory.Usable + unseen);
        return most > memory.Usable
            && !(EvictionPlanner.Plan(newcomer, _residents, most, options.MaxResident, TermsOf(newcomer), now) is EvictionPlan.Evict needed && needed.Victims.SequenceEqual(plan.Victims));
    }

    private void Launch(Resident newcomer, DateTimeOffset now)
    {
        BeginLaunch(newcomer);
        newcomer.LaunchedForBackground = !AsksForPeople(newcomer);
        newcomer.Enter(Launching, now);
        Note(DecisionKind.Launched, newcomer.Id, null, $"{WhoWaits(newcomer)}; {Counted(newcomer.Need)}{(newcomer.Need.Shape.Lowered is { } lowered ? $". {lowered}" : "")}", now);
        LeaveReadAhead(newcomer);
        _effects.Add(new StartRunner(newcomer.Spec, newcomer.Need.Shape, newcomer.Launch));
        CommitSwapOf(newcomer, now);
    }

    private static string WhoWaits(Resident newcomer) => newcomer.Waiting.People switch
    {
        1 => "a person waits for it",
        > 1 => $"{Number(newcomer.Waiting.People)} people wait for it",
        _ => newcomer.Waiting.Oldest!.Terms.MayEvict ? "background work waits for it" : "it is loaded ahead",
    };

    private static string Counted(MemoryNeed need) => $"counted with {need.Total} ({need.Reason})";

    private void BeginLaunch(Resident newcomer)
    {
        newcomer.Launch++;
        newcomer.LaunchedIn = _step;
        newcomer.Revocation = new Revocation();
        newcomer.Leases = 0;
        newcomer.HasServed = false;
        newcomer.WasGranted = false;
        newcomer.TakesAllRoom = false;
        newcomer.FirstReturn = null;
        newcomer.KeepAlive = null;
    }

    private void Welcome(Resident resident, LaunchSucceeded news, DateTimeOffset now)
    {
        resident.LoadTime = now - resident.Since;
        resident.Enter(Ready, now);
        resident.Runner = news.Runner;
        resident.ReadySince = now;
        resident.LastUsed = now;

        // Where a person waits, the grant sets it: a newcomer serves before it may be a victim. Background work is not served while a person waits for room, who would then wait for it for ever.
        resident.HasServed = resident.Waiting.People == 0;
        resident.LaunchedForBackground = false;
        if (!resident.Waiting.All.Any(t => t.Terms is { IsBackground: true, MayEvict: true }))
        {
            resident.LastPerson = now; // loaded for people, or ahead for them: a title does not push it out
        }
        _lastLoadBegan = resident.LaunchedIn;
        SeeReady(news.Runner, now);
    }

    // Nothing is evicted: it would not help. Whoever waits behind may have a turn meanwhile.
    private void GoShort(Resident newcomer, DateTimeOffset now, bool memoryIsKnown)
    {
        newcomer.PassedOverIn = _pass;
        var since = newcomer.ShortSince ??= now;
        while (newcomer.Waiting.Oldest is { } ticket)
        {
            var end = (ticket.ArrivedAt > since ? ticket.ArrivedAt : since) + ShortagePatience;
            if (now < end)
            {
                _admitAt = Earlier(_admitAt, end);
                return;
            }

            var shortage = ShortageOf(newcomer);
            Refuse(ticket, memoryIsKnown
                ? Refusal.DoesNotFitNow(newcomer.Id, newcomer.Need, Memory!.Value.Usable - EvictionPlanner.Immovable(_residents), shortage, ShortagePatience)
                : Refusal.MemoryUnknown(newcomer.Id, newcomer.Need, shortage, ShortagePatience), now);
        }
    }

    private void RefuseWhatNeverFits(DateTimeOffset now)
    {
        if (Memory is not { } memory)
        {
            return;
        }

        var immovable = EvictionPlanner.Immovable(_residents);
        foreach (var resident in _residents)
        {
            if (resident.WaitsForRoom && EvictionPlanner.CanNeverFit(resident.Needs.Least, immovable, memory.Ceiling))
            {
                resident.Need = resident.Needs.Least;
                RefuseAll(resident, Refusal.NeverFits(resident.Id, resident.Need, memory.Ceiling - immovable, ShortageOf(resident)), now);
            }
        }
    }

    private MemoryShortage ShortageOf(Resident newcomer)
    {
        var memory = Memory ?? default;
        var held = EvictionPlanner.Held(_residents);
        return new(newcomer.Need.Total, memory.Ceiling, ByteSize.Max(memory.Usable - held, ByteSize.Zero), held - EvictionPlanner.Immovable(_residents));
    }

    private SwapTerms TermsOf(Resident newcomer) => AsksForPeople(newcomer)
        ? new(newcomer.Waiting.Oldest!.ArrivedAt, PatienceFor(newcomer), newcomer.LoadTime)
        : newcomer.Waiting.Oldest!.Terms.MayEvict ? SwapTerms.OfBackground(options.BackgroundRespite) : SwapTerms.OfPreload;

    private TimeSpan PatienceFor(Resident newcomer)
    {
        var cost = newcomer.LoadTime ?? LeastPatience;
        return options.SwapPatience ?? (cost < LeastPatience ? LeastPatience : cost > MostPatience ? MostPatience : cost);
    }
}
