using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
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
/// This file takes the events; <c>Admission</c> decides who comes in, <c>Departure</c> who leaves, <c>Inheritance</c> who outlives the gateway.
/// </remarks>
internal sealed partial class ResidencyLedger(ResidencyOptions options)
{
    private readonly Dictionary<string, Resident> _byId = new(StringComparer.Ordinal);

    // A list beside the dictionary: its enumerator is free, and every settling walks over it a few times.
    private readonly List<Resident> _residents = [];
    private readonly List<ResidencyEffect> _effects = [];
    private readonly List<Decision> _fresh = [];
    private readonly DecisionJournal _journal = new();
    private int _waiting;
    private long _order;
    private long _step;
    private long _lastLoadBegan;
    private DateTimeOffset _settledAt;
    private DateTimeOffset? _shutdownAt;
    private bool _isOver;

    public IReadOnlyList<Resident> Residents => _residents;

    /// <summary>What was decided lately, the oldest first.</summary>
    public IReadOnlyList<Decision> Decisions => _journal.Last;

    /// <summary>What was decided by the last event, all of it; valid until the next one.</summary>
    public IReadOnlyList<Decision> Fresh => _fresh;

    /// <summary>How many tickets wait, for whatever reason.</summary>
    public int Waiting => _waiting;

    /// <summary>The last reading; null before the first.</summary>
    public MemoryObservation? Memory { get; private set; }

    public bool IsShuttingDown => _shutdownAt is not null;

    /// <summary>How many may be in memory, pinned ones not counted; 0: any number.</summary>
    public int MaxResident => options.MaxResident;

    /// <summary>Grows whenever more may have changed than the number of leases of ready models.</summary>
    public long Version { get; private set; }

    /// <summary>Takes one event. The effects are to be carried out in order, and are valid until the next call.</summary>
    public IReadOnlyList<ResidencyEffect> Apply(ResidencyEvent happened, DateTimeOffset now)
    {
        _effects.Clear();
        _fresh.Clear();
        _step++;

        // The two events of every request to a ready model change nothing but its number of leases, as long as nobody waits; and most looks at a runner tell nothing new.
        var changed = happened switch
        {
            LeaseRequested e => Take(e.Ticket, now),
            LeaseReleased e => Return(e, now),
            FootprintObserved e => Weigh(e),
            _ => Hear(happened, now),
        };
        if (changed)
        {
            Settle(now);
        }

        return _effects;
    }

    /// <summary>
    /// The latest moment at which the ledger must be given a <see cref="TimeElapsed"/>; null: it need not. It holds until <see cref="Version"/> changes, and may be over already:
    /// what is asked is when something is due after the ledger last looked, so that nothing which came due since then is passed over.
    /// </summary>
    public DateTimeOffset? NextWake
    {
        get
        {
            var wake = _admitAt;
            foreach (var resident in _residents)
            {
                wake = Earlier(wake, resident.State switch
                {
                    Ready => IdleDeadline(resident, _settledAt),
                    Launching => resident.Since + options.LaunchTimeout,
                    Draining => DrainDeadline(resident),
                    Cooling => resident.CoolUntil,
                    _ => null,
                });
                if (resident.WaitsForRoom && !IsShuttingDown)
                {
                    wake = Earlier(wake, _observeAt);
                }

                wake = Earlier(wake, BackgroundWake(resident));
            }

            return wake;
        }
    }

    /// <summary>The number of events so far.</summary>
    public long Step => _step;

    /// <summary>The step in which the load began that was finished last.</summary>
    public long LastLoadBegan => _lastLoadBegan;

    /// <summary>Whether leases of the model may be granted and taken back without asking: it is ready, nobody waits for anything, and nobody is about to leave.</summary>
    public bool MayOpenGateOf(Resident resident) => resident is { State: Ready, Next: null, KeepAlive: null, Background.Count: 0 } && _waiting == 0 && !IsShuttingDown;

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
            resident.LastPerson = resident.LastUsed; // a gate is for people
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
            case RunnerAdopted e: Inherit(e, now); break;
            case LaunchFailed e when Current(e.Model, e.Launch) is { State: Launching } resident: FailLaunch(resident, e.Why, e.Cause, now); break;
            case RunnerExited e when Current(e.Model, e.Launch) is { State: Ready or Draining } resident: Crash(resident, e.How, e.Cause, now); break;
            case RunnerHung e when Current(e.Model, e.Launch) is { State: Ready or Draining } resident: Crash(resident, e.How, EndCause.Itself, now); break;
            case RunnerStopped e when Current(e.Model, e.Launch) is { State: Stopping } resident: LeaveMemory(resident, now); break;
            case MemoryObserved e: Observe(e, now); break;
            case ExplanationRequested e: _effects.Add(new CompleteExplanation(e.Done, Explain(now))); return false;
            case UnloadRequested e: Unload(e, now); break;
            case Reconfigured e: Reconfigure(e, now); break;
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
        _settledAt = now;
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

        // Whoever waited for room and was launched or refused just now is in the way of background work no longer, and nothing else may happen for a long time.
        foreach (var resident in _residents)
        {
            ServeBackground(resident, now);
        }

        if (ExpireBackground(now))
        {
            // Whoever waited behind it for room may have a turn.
            ReconsiderSwap(now);
            AdmitWaiting(now);
        }

        LeaveReadsForNobody();
        if (IsShuttingDown && !_isOver && !_residents.Exists(r => r.HoldsMemory))
        {
            _isOver = true;
            _effects.Add(new CompleteShutdown());
        }
    }

    // What it took once is not lowered while it lives: engines keep what they have had, or take it again. A look may teach only after a whole request.
    private bool Weigh(FootprintObserved look)
    {
        if (Current(look.Model, look.Launch) is not { HoldsMemory: true } resident)
        {
            return false;
        }

        if (resident.FirstReturn is not null)
        {
            _effects.Add(new LearnFootprint(resident.Id, resident.Launch));
        }

        if (look.Bytes <= resident.Need.Total)
        {
            return false;
        }

        resident.Need = resident.Need with { Total = look.Bytes, Observed = look.Bytes };
        return true;
    }

    private Resident Find(ModelSpec model, MemoryNeeds? needs)
    {
        if (!_byId.TryGetValue(model.Id, out var resident))
        {
            resident = new Resident(model, needs ?? new MemoryNeed(default, "unknown"));
            _byId.Add(model.Id, resident);
            _residents.Add(resident);
        }

        return resident;
    }

    private void Note(DecisionKind kind, string model, string? forWhom, string reason, DateTimeOffset now)
    {
        var decision = new Decision(now, kind, model, forWhom, reason);
        _fresh.Add(decision);
        _journal.Note(decision);
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;
}
