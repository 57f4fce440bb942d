using MlxGateway.Supervision.Memory;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// The record of who is in memory, who waits and who is leaving. Given an event and the time it decides what to do next.
/// It performs no I/O, starts no tasks and takes no locks: <see cref="ModelPool"/> is its only caller, one event at a time.
/// </summary>
/// <remarks>
/// <code>
/// Absent ─launch─► Launching ─ready─► Ready ─evict, unload─► Draining ─last lease back─► Stopping ─gone─► Absent
///   ▲                  │                │ ▲ └─────────── idle, died ────────────────────▲    │
///   │                  │                │ └── the newcomer gave up ── Draining               │ died again
///   └─ cooled ─ Cooling ◄── failed ─────┘ ◄──────────────────────────────────────────────────┘
/// </code>
/// This file takes the events; <c>Admission</c> decides who comes in, <c>Departure</c> who leaves.
/// </remarks>
internal sealed partial class ResidencyLedger(ResidencyOptions options)
{
    private readonly Dictionary<string, Resident> _byId = new(StringComparer.Ordinal);

    // A list beside the dictionary: its enumerator is free, and every settling walks over it a few times.
    private readonly List<Resident> _residents = [];
    private readonly List<ResidencyEffect> _effects = [];
    private int _waiting;
    private long _order;
    private long _step;
    private long _lastLoadBegan;
    private DateTimeOffset? _shutdownAt;
    private bool _isOver;

    public IReadOnlyList<Resident> Residents => _residents;

    /// <summary>How many tickets wait, for whatever reason.</summary>
    public int Waiting => _waiting;

    /// <summary>The last reading; null before the first.</summary>
    public MemoryObservation? Memory { get; private set; }

    public bool IsShuttingDown => _shutdownAt is not null;

    /// <summary>Grows whenever more may have changed than the number of leases of ready models.</summary>
    public long Version { get; private set; }

    /// <summary>Takes one event. The effects are to be carried out in order, and are valid until the next call.</summary>
    public IReadOnlyList<ResidencyEffect> Apply(ResidencyEvent happened, DateTimeOffset now)
    {
        _effects.Clear();
        _step++;

        // The two events of every request to a ready model change nothing but its number of leases, as long as nobody waits.
        var changed = happened switch
        {
            LeaseRequested e => Take(e.Ticket, now),
            LeaseReleased e => Return(e, now),
            _ => Hear(happened, now),
        };
        if (changed)
        {
            Settle(now);
        }

        return _effects;
    }

    /// <summary>The latest moment at which the ledger must be given a <see cref="TimeElapsed"/>; null: it need not. It holds until <see cref="Version"/> changes.</summary>
    public DateTimeOffset? NextWake(DateTimeOffset now)
    {
        var wake = _admitAt;
        foreach (var resident in _residents)
        {
            wake = Earlier(wake, resident.State switch
            {
                Ready => IdleDeadline(resident, now),
                Launching => resident.Since + options.LaunchTimeout,
                Draining => DrainDeadline(resident),
                Cooling => resident.CoolUntil,
                _ => null,
            });
            if (resident.WaitsForRoom && !IsShuttingDown)
            {
                wake = Earlier(wake, _observeAt);
            }
        }

        return wake;
    }

    /// <summary>The number of events so far.</summary>
    public long Step => _step;

    /// <summary>The step in which the load began that was finished last.</summary>
    public long LastLoadBegan => _lastLoadBegan;

    /// <summary>Whether leases of the model may be granted and taken back without asking: it is ready, nobody waits for anything, and nobody is about to leave.</summary>
    public bool MayOpenGateOf(Resident resident) => resident is { State: Ready, Next: null } && _waiting == 0 && !IsShuttingDown;

    /// <summary>Takes into the books what a gate did while it was open.</summary>
    /// <param name="resident">Whose gate it is.</param>
    /// <param name="leases">How many leases are out.</param>
    /// <param name="lastUsed">When one was last granted or came back there; null: never.</param>
    /// <param name="firstReturn">When the first one came back there; null: never.</param>
    public static void CountGate(Resident resident, int leases, DateTimeOffset? lastUsed, DateTimeOffset? firstReturn)
    {
        resident.Leases = leases;
        resident.FirstReturn ??= firstReturn;
        if (lastUsed is { } used)
        {
            resident.LastUsed = used > resident.LastUsed ? used : resident.LastUsed;
            resident.HasServed = true;
            resident.WasGranted = true;
        }
    }

    private bool Hear(ResidencyEvent happened, DateTimeOffset now)
    {
        switch (happened)
        {
            case TicketAbandoned e: Leave(e.Ticket); break;
            case LaunchSucceeded e when Current(e.Model, e.Launch) is { State: Launching } resident: Welcome(resident, e, now); break;
            case LaunchFailed e when Current(e.Model, e.Launch) is { State: Launching } resident: FailLaunch(resident, e.Why, now); break;
            case RunnerExited e when Current(e.Model, e.Launch) is { State: Ready or Draining } resident: Crash(resident, e.How, now); break;
            case RunnerStopped e when Current(e.Model, e.Launch) is { State: Stopping } resident: LeaveMemory(resident, now); break;
            case MemoryObserved e: Observe(e.Memory, now); break;
            case UnloadRequested e: Unload(e, now); break;
            case ShutdownRequested e: ShutDown(e.Patience, now); break;
        }

        return true;
    }

    // The resident, unless the news is about a launch that is already history.
    private Resident? Current(string model, int launch) =>
        _byId.TryGetValue(model, out var resident) && resident.Launch == launch ? resident : null;

    // Looks at everything and moves whatever can move. Calling it twice in a row changes nothing.
    private void Settle(DateTimeOffset now)
    {
        Version++;
        ExpireLaunchesAndCooldowns(now);
        ReconsiderSwap(now);
        ServeAll(now);
        CloseDrained(now);
        CloseIdle(now);
        AdmitWaiting(now);
        if (_swap is { Ticket.Place: null })
        {
            // Its newcomer was refused just now: the victims are let off, and whoever waits behind it is judged with them in their places.
            ReconsiderSwap(now);
            AdmitWaiting(now);
        }

        if (IsShuttingDown && !_isOver && !_residents.Exists(r => r.HoldsMemory))
        {
            _isOver = true;
            _effects.Add(new CompleteShutdown());
        }
    }

    // True if more than the number of leases has changed.
    private bool Take(LeaseTicket ticket, DateTimeOffset now)
    {
        if (IsShuttingDown)
        {
            _effects.Add(new RefuseLease(ticket, Refusal.ShuttingDown()));
            return false;
        }

        var resident = Find(ticket);
        resident.Habit.Asked(now, _lastLoadBegan);
        var changed = Adopt(resident, ticket, now);
        if (resident.TakesAnother && resident.Waiting.Count == 0)
        {
            Grant(ticket, resident, now);
            return changed;
        }

        if (resident.IsLeftAlone(now))
        {
            _effects.Add(new RefuseLease(ticket, Refusal.LaunchFailed(resident.Id, resident.Failure, resident.CoolUntil!.Value - now)));
        }
        else if (_waiting >= options.QueueLimit)
        {
            _effects.Add(new RefuseLease(ticket, Refusal.QueueFull(resident.Id, options.QueueLimit, PatienceFor(resident))));
        }
        else
        {
            ticket.Order = ++_order;
            ticket.LaunchingBefore = resident.LaunchingUntil(now);
            ticket.Place = resident.Waiting.AddLast(ticket);
            _waiting++;
        }

        return true;
    }

    private bool Return(LeaseReleased released, DateTimeOffset now)
    {
        if (Current(released.Model, released.Launch) is not { State: Ready or Draining, Leases: > 0 } resident)
        {
            return false;
        }

        resident.Leases--;
        resident.LastUsed = now;
        resident.FirstReturn ??= now;
        resident.Habit.Returned(now, _step);
        return _waiting > 0 || resident.State is Draining;
    }

    private Resident Find(LeaseTicket ticket)
    {
        if (!_byId.TryGetValue(ticket.Model.Id, out var resident))
        {
            resident = new Resident(ticket.Model, ticket.Needs ?? new MemoryNeed(default, "unknown"));
            _byId.Add(ticket.Model.Id, resident);
            _residents.Add(resident);
        }

        return resident;
    }

    private void ServeAll(DateTimeOffset now)
    {
        foreach (var resident in _residents)
        {
            Serve(resident, now);
        }
    }

    private void Serve(Resident resident, DateTimeOffset now)
    {
        while (resident.TakesAnother && resident.Waiting.First is { Value: var ticket })
        {
            Leave(ticket);
            Grant(ticket, resident, now);
        }
    }

    private void Grant(LeaseTicket ticket, Resident resident, DateTimeOffset now)
    {
        resident.Leases++;
        resident.LastUsed = now;
        resident.HasServed = true;
        resident.WasGranted = true;
        var waited = now > ticket.ArrivedAt ? now - ticket.ArrivedAt : TimeSpan.Zero;
        var loading = ticket.Order == 0 ? TimeSpan.Zero : resident.LaunchingUntil(now) - ticket.LaunchingBefore;
        loading = loading < waited ? loading : waited;
        _effects.Add(new GrantLease(ticket, new Granted(resident.Spec, resident.Launch, resident.Runner!, resident.Revocation, waited - loading, loading)));
    }

    private void RefuseAll(Resident resident, Refusal refusal)
    {
        while (resident.Waiting.First is { Value: var ticket })
        {
            Refuse(ticket, refusal);
        }
    }

    private void Refuse(LeaseTicket ticket, Refusal refusal)
    {
        Leave(ticket);
        _effects.Add(new RefuseLease(ticket, refusal));
    }

    private void Leave(LeaseTicket ticket)
    {
        if (ticket.Place is { List: { } line } place)
        {
            line.Remove(place);
            ticket.Place = null;
            _waiting--;
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;
}
