using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// A ledger on a bench: hands it events and a clock, answers its wish for readings of memory as the pool would, and says its effects as short sentences.
internal sealed class LedgerBench
{
    private readonly Dictionary<string, ModelSpec> _specs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _needs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _launches = new(StringComparer.Ordinal);

    public LedgerBench(double memory, params (string Id, double Gigabytes)[] models)
    {
        Ceiling = Usable = memory;
        foreach (var (id, gigabytes) in models)
        {
            _specs[id] = new ModelSpec { Id = id, Runner = "fake" };
            _needs[id] = gigabytes;
        }

        Ledger = new ResidencyLedger(Options);
    }

    public ResidencyOptions Options { get; } = new() { MaxResident = 0, SwapPatience = TimeSpan.FromSeconds(5) };

    public ResidencyLedger Ledger { get; }

    public DateTimeOffset Now { get; private set; } = DateTimeOffset.UnixEpoch;

    public double Ceiling { get; set; }

    public double Usable { get; set; }

    public bool AnswersReadings { get; set; } = true;

    public Resident this[string id] => Ledger.Residents.Single(r => r.Id == id);

    public ModelSpec Spec(string id) => _specs[id];

    public ModelSpec Change(string id, Func<ModelSpec, ModelSpec> change) => _specs[id] = change(_specs[id]);

    public MemoryNeed Need(string id) => new(ByteSize.FromGigabytes(_needs[id]), "as configured");

    public void Estimate(string id, double gigabytes) => _needs[id] = gigabytes;

    public List<string> ReadAhead { get; } = [];

    public Asked Ask(string id, LeaseTerms? terms = null)
    {
        var ticket = new LeaseTicket(Spec(id), Need(id), terms ?? LeaseTerms.Person, Now);
        return new(ticket, AnswersReadings ? Apply(Reading(), new LeaseRequested(ticket)) : Apply(new LeaseRequested(ticket)));
    }

    public List<string> Ready(string id) => Apply(new LaunchSucceeded(id, _launches[id], new FakeRunner()));

    public List<string> Adopt(string id) => Apply(Reading(), new RunnerAdopted(Spec(id), Need(id), Need(id), new FakeRunner(7)));

    public Asked AskInBackground(string id) => Ask(id, new LeaseTerms { IsBackground = true });

    public List<string> Release(string id) => Apply(new LeaseReleased(id, _launches[id], this[id].Revocation));

    public List<string> Release(ModelLease lease) => Apply(new LeaseReleased(lease.Model.Id, lease.Launch, lease.Revocation));

    public List<string> Gone(string id) => Apply(AnswersReadings ? Reading() : new TimeElapsed(), new RunnerStopped(id, _launches[id]));

    public List<string> FailLaunch(string id, string why = "out of luck") => Apply(new LaunchFailed(id, _launches[id], why));

    public List<string> Die(string id, int? launch = null) => Apply(new RunnerExited(id, launch ?? _launches[id], "signal 9 (SIGKILL)"));

    public List<string> DieForMemory(string id) => Apply(new RunnerExited(id, _launches[id], "the system killed it for memory", EndCause.KilledForMemory));

    public List<string> FailLaunchForMemory(string id) => Apply(new LaunchFailed(id, _launches[id], "the system killed it for memory", EndCause.KilledForMemory));

    public List<string> Hang(string id, int? launch = null) => Apply(new RunnerHung(id, launch ?? _launches[id], "it did not answer"));

    public List<string> Abandon(LeaseTicket ticket) => Apply(new TicketAbandoned(ticket));

    public TaskCompletionSource Unload(string id, out List<string> effects)
    {
        var done = new TaskCompletionSource();
        effects = Apply(new UnloadRequested(id, done));
        return done;
    }

    // Goes forward in time at once, as a busy machine may.
    public List<string> Pass(double seconds)
    {
        Now += TimeSpan.FromSeconds(seconds);
        return AnswersReadings ? Apply(Reading(), new TimeElapsed()) : Apply(new TimeElapsed());
    }

    // Goes forward only as the ledger asks to be woken.
    public List<string> PassAsWoken(double seconds)
    {
        var effects = new List<string>();
        var end = Now + TimeSpan.FromSeconds(seconds);
        while (Ledger.NextWake is { } wake && wake <= end)
        {
            Assert.True(wake > Now, $"woken at {wake} for nothing");
            Now = wake;
            effects.AddRange(Apply(new TimeElapsed()));
        }

        Now = end;
        return effects;
    }

    // Asks, becomes ready, serves and is idle.
    public void Serve(string id, double loadSeconds = 0)
    {
        Ask(id);
        Now += TimeSpan.FromSeconds(loadSeconds);
        Ready(id);
        Release(id);
    }

    public MemoryObserved Reading() => new(new MemoryObservation(ByteSize.FromGigabytes(Ceiling), ByteSize.FromGigabytes(Usable)));

    public List<string> Apply(params ResidencyEvent[] events)
    {
        var said = new List<string>();
        foreach (var happened in events)
        {
            var effects = Ledger.Apply(happened, Now).ToArray();
            foreach (var effect in effects)
            {
                if (effect is ObserveMemory)
                {
                    said.AddRange(AnswersReadings ? Apply(Reading()) : []);
                }
                else if (effect is BeginReadAhead or EndReadAhead)
                {
                    ReadAhead.Add(effect is BeginReadAhead b ? $"begin {b.Model.Id} {b.Limit}" : $"end {((EndReadAhead)effect).Model}");
                }
                else
                {
                    said.Add(Say(effect));
                }
            }
        }

        return said;
    }

    private string Say(ResidencyEffect effect)
    {
        switch (effect)
        {
            case StartRunner e:
                _launches[e.Model.Id] = e.Launch;
                return $"start {e.Model.Id} {e.Launch}";
            case StopRunner e:
                return $"stop {e.Model} {e.Launch}";
            case DetachRunner e:
                return $"keep {e.Model} {e.Launch}";
            case WatchRunner e:
                _launches[e.Model.Id] = e.Launch;
                return $"watch {e.Model.Id} {e.Launch}";
            case DismissRunner e:
                return $"dismiss {e.Model}";
            case RevokeLeases e:
                e.Revocation.Revoke(e.Reason, e.Detail);
                return $"revoke {e.Model} {e.Launch} {e.Reason}";
            case GrantLease e:
                Assert.True(e.Ticket.TryGrant(new ModelLease(e.Lease.Model, e.Lease.Launch, e.Lease.Runner, e.Lease.Revocation, e.Lease.Queued, e.Lease.Loading, _ => { })));
                return $"grant {e.Lease.Model.Id} {e.Lease.Launch}";
            case RefuseLease e:
                Assert.True(e.Ticket.TryRefuse(e.Refusal));
                return $"refuse {e.Ticket.Model.Id} {e.Refusal.Reason}";
            case CompleteUnload e:
                e.Done.SetResult();
                return "unloaded";
            default:
                return effect.GetType().Name;
        }
    }

    internal sealed record Asked(LeaseTicket Ticket, List<string> Effects)
    {
        public ModelLease Lease => Ticket.Outcome.IsCompletedSuccessfully ? Ticket.Outcome.Result : throw new InvalidOperationException("no lease");

        public LeaseRefusedException Refusal => Assert.IsType<LeaseRefusedException>(Ticket.Outcome.Exception!.InnerException);
    }
}
