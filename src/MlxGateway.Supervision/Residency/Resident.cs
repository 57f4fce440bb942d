using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>One model's entry in the <see cref="ResidencyLedger"/>, made when it is first asked for. Only the ledger writes it.</summary>
internal sealed class Resident(ModelSpec spec, MemoryNeeds needs)
{
    private TimeSpan _launched;

    /// <summary>What is, or will be next, launched.</summary>
    public ModelSpec Spec { get; set; } = spec;

    /// <summary>What it needs in each way in which it may be launched.</summary>
    public MemoryNeeds Needs { get; set; } = needs;

    /// <summary>The one of <see cref="Needs"/> that it is, or is to be, launched with; what it is counted with while it holds memory.</summary>
    public MemoryNeed Need { get; set; } = needs.Best;

    /// <summary>What takes the place of <see cref="Spec"/> once the present runner is gone.</summary>
    public (ModelSpec Spec, MemoryNeeds Needs)? Next { get; set; }

    /// <summary>The specification before the newest one. Requests that were resolved before a reload still carry it.</summary>
    public ModelSpec? Superseded { get; set; }

    public ResidentState State { get; private set; } = ResidentState.Absent;

    /// <summary>When it entered <see cref="State"/>.</summary>
    public DateTimeOffset Since { get; private set; }

    /// <summary>Counts launches. News about an earlier launch is stale and must be ignored.</summary>
    public int Launch { get; set; }

    /// <summary>The ledger's step in which this launch began.</summary>
    public long LaunchedIn { get; set; }

    /// <summary>The runner of this launch, from ready to gone.</summary>
    public IRunner? Runner { get; set; }

    /// <summary>Ends the leases of this launch.</summary>
    public Revocation Revocation { get; set; } = new();

    /// <summary>How many leases of this launch are out. While its gate is open, the gate knows better.</summary>
    public int Leases { get; set; }

    /// <summary>Who waits for this model.</summary>
    public WaitingLine Waiting { get; } = new();

    /// <summary>The background leases of this launch that are out, each with its own end. They are among <see cref="Leases"/>.</summary>
    public List<Revocation> Background { get; } = [];

    /// <summary>How many of <see cref="Background"/> have been told to end and are not back yet.</summary>
    public int Yielding { get; set; }

    /// <summary>How many leases of people are out.</summary>
    public int PeopleServed => Leases - Background.Count;

    /// <summary>When a person's lease was last granted or came back; null: never.</summary>
    public DateTimeOffset? LastPerson { get; set; }

    /// <summary>How long the last request wanted it to stay; null: it did not say.</summary>
    public TimeSpan? KeepAlive { get; set; }

    /// <summary>Whether this launch was made for background requests alone.</summary>
    public bool LaunchedForBackground { get; set; }

    /// <summary>Whether the pool was told to read its files ahead.</summary>
    public bool IsReadAhead { get; set; }

    public DateTimeOffset LastUsed { get; set; }

    /// <summary>When this launch became ready.</summary>
    public DateTimeOffset ReadySince { get; set; }

    /// <summary>Whether a caller of this launch was granted a lease, or no person waited when it became ready. Before that it is never a victim.</summary>
    public bool HasServed { get; set; }

    /// <summary>Whether this launch was ever granted to anybody.</summary>
    public bool WasGranted { get; set; }

    /// <summary>When the first lease of this launch came back; the sign of a good launch.</summary>
    public DateTimeOffset? FirstReturn { get; set; }

    /// <summary>Whether it leaves in any case. False while it drains only to make room for somebody who may give up.</summary>
    public bool LeavesForGood { get; set; }

    /// <summary>Whether its runner is to live on when the gateway stops.</summary>
    public bool IsKept { get; set; }

    /// <summary>For whom it leaves although that one has been launched beside it; null: it drains for nobody, or for a newcomer that still waits.</summary>
    public Resident? GivesWayTo { get; set; }

    /// <summary>How long the last launch took; null if it was never ready.</summary>
    public TimeSpan? LoadTime { get; set; }

    public ReturnHabit Habit { get; } = new();

    public int FailuresInARow { get; set; }

    /// <summary>How often in a row the system killed it for memory.</summary>
    public int MemoryKills { get; set; }

    /// <summary>Whether all that is idle must be gone before its next launch.</summary>
    public bool TakesAllRoom { get; set; }

    /// <summary>Until when it is left alone; null: it is not.</summary>
    public DateTimeOffset? CoolUntil { get; set; }

    /// <summary>How it failed last.</summary>
    public string Failure { get; set; } = "";

    /// <summary>Since when other programs hold the memory that it waits for; null: they do not.</summary>
    public DateTimeOffset? ShortSince { get; set; }

    /// <summary>The last pass over the queue in which it was found short of memory. Only the ledger uses it.</summary>
    public long PassedOverIn { get; set; }

    /// <summary>Who is to be told when it is out of memory.</summary>
    public List<TaskCompletionSource> Unloads { get; } = [];

    public string Id => Spec.Id;

    public ModelSpec NewestSpec => Next?.Spec ?? Spec;

    public bool HoldsMemory => State is not (ResidentState.Absent or ResidentState.Cooling);

    public bool IsLeaving => State is ResidentState.Draining or ResidentState.Stopping;

    public bool IsIdle => State is ResidentState.Ready && Leases == 0 && Waiting.Count == 0;

    /// <summary>Whether it is ready and no person is served or waits. What else it does is ended where it is in the way.</summary>
    public bool IsFreeOfPeople => State is ResidentState.Ready && PeopleServed == 0 && Waiting.People == 0;

    /// <summary>Whether it may leave for a person's model: it is ready and has served whom it was launched for, or it is only being launched for background requests.</summary>
    public bool MayBeVictim => !Spec.Pinned && (State is ResidentState.Ready ? HasServed : State is ResidentState.Launching && LaunchedForBackground && Waiting.People == 0);

    public bool TakesAnother => State is ResidentState.Ready && (Spec.MaxConcurrency == 0 || Leases < Spec.MaxConcurrency);

    /// <summary>Whether it failed and is left alone, or will be as soon as its process is gone.</summary>
    public bool IsLeftAlone(DateTimeOffset now) => State is ResidentState.Cooling or ResidentState.Stopping && CoolUntil > now;

    public bool WaitsForRoom => State is ResidentState.Absent && Waiting.Count > 0;

    /// <summary>How long it has been launching, in all its launches together.</summary>
    public TimeSpan LaunchingUntil(DateTimeOffset now) => State is ResidentState.Launching ? _launched + (now - Since) : _launched;

    public void Enter(ResidentState state, DateTimeOffset now)
    {
        _launched = LaunchingUntil(now);
        State = state;
        Since = now;
    }
}
