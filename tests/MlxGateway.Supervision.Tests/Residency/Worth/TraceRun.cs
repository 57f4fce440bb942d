using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>The product's own policy: the real ledger with the options as delivered, memory for one model, and events as its pool would send them.</summary>
internal sealed class TraceRun : Playback
{
    // Not two at once, not even while one of them leaves.
    private static readonly MemoryNeed Need = new(ByteSize.FromGigabytes(6), "as configured");
    private static readonly MemoryObserved Reading = new(new MemoryObservation(ByteSize.FromGigabytes(10), ByteSize.FromGigabytes(10)));
    private readonly ResidencyLedger _ledger;
    private readonly WaitBound _bound;
    private readonly Dictionary<string, ModelSpec> _specs;
    private readonly ModelSpec? _standIn;
    private readonly Dictionary<LeaseTicket, Visit> _waiting = [];
    private readonly Dictionary<Visit, Granted> _served = [];

    /// <param name="trace">What the clients do.</param>
    /// <param name="load">How long every load takes.</param>
    /// <param name="standIn">Who serves background requests whose own model is not at their disposal; null: nobody.</param>
    public TraceRun(Trace trace, TimeSpan load, string? standIn = null)
        : base(trace, load)
    {
        Options = new ResidencyOptions { BackgroundModel = standIn };
        _ledger = new ResidencyLedger(Options);
        _bound = new WaitBound(trace, Slots, load);
        _specs = trace.Requests.Select(r => r.Model).Distinct().ToDictionary(m => m, m => new ModelSpec { Id = m, Runner = "fake", MaxConcurrency = Slots });
        _standIn = standIn is null ? null : _specs[standIn];
    }

    public ResidencyOptions Options { get; }

    protected override DateTimeOffset? NextWake => _ledger.NextWake;

    protected override void Take(Visit visit)
    {
        var request = visit.Request;
        visit.Bound = request.IsBackground ? Options.BackgroundPatience + Load : _bound.Of(_ledger.Residents, request);
        var terms = new LeaseTerms { Client = request.Client, IsBackground = request.IsBackground, StandIn = request.IsBackground ? _standIn : null };
        var ticket = new LeaseTicket(_specs[request.Model], Need, terms, Now);
        _waiting.Add(ticket, visit);
        Apply(Reading);
        Apply(new LeaseRequested(ticket));
    }

    protected override void Return(Visit visit)
    {
        _served.Remove(visit, out var lease);
        Apply(new LeaseReleased(lease.Model.Id, lease.Launch, lease.Revocation));
    }

    protected override void Wake() => Apply(new TimeElapsed());

    private void Apply(ResidencyEvent happened)
    {
        foreach (var effect in _ledger.Apply(happened, Now).ToArray())
        {
            CarryOut(effect);
        }
    }

    private void CarryOut(ResidencyEffect effect)
    {
        switch (effect)
        {
            case StartRunner e:
                Loads++;
                In(Load, () => Apply(new LaunchSucceeded(e.Model.Id, e.Launch, new FakeRunner())));
                break;
            case StopRunner e:
                In(TimeSpan.Zero, () => Apply(new RunnerStopped(e.Model, e.Launch)));
                break;
            case ObserveMemory:
                In(TimeSpan.Zero, () => Apply(Reading));
                break;
            case GrantLease e:
                _waiting.Remove(e.Ticket, out var granted);
                _served.Add(granted!, e.Lease);
                Begin(granted!);
                break;
            case RefuseLease e:
                _waiting.Remove(e.Ticket, out var refused);
                Finish(refused!, VisitEnd.Refused);
                break;
            case RevokeLeases e:
                In(TimeSpan.Zero, () => Revoke(e.Revocation));
                break;
        }
    }

    // Whoever holds such a lease ends what it forwards, and gives it back.
    private void Revoke(Revocation revocation)
    {
        foreach (var (visit, _) in _served.Where(s => ReferenceEquals(s.Value.Revocation, revocation)).ToList())
        {
            Finish(visit, VisitEnd.Revoked);
            Return(visit);
        }
    }
}
