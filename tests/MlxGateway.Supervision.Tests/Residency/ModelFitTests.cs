using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// A forecast is worth what comes true of it: each is held against the real ledger, in states that came about by chance.
public sealed class ModelFitTests
{
    private const int Seeds = 150;
    private const int Questions = 25;

    [Fact]
    public void Of_InAnyState_IsWhatTheLedgerDoes()
    {
        var seen = new Dictionary<Fit, int>();
        for (var seed = 0; seed < Seeds; seed++)
        {
            var house = new House(seed);
            for (var i = 0; i < Questions; i++)
            {
                house.Live();
                var fit = house.ForetellAndAsk();
                seen[fit] = seen.GetValueOrDefault(fit) + 1;
            }
        }

        // Chance that never leads to a judgement proves nothing about it.
        Assert.All(Enum.GetValues<Fit>().Except([Fit.Loaded]), fit => Assert.InRange(seen.GetValueOrDefault(fit), 20, int.MaxValue));
    }

    [Theory]
    [InlineData(2, 10, 0, Fit.Fits, "It needs 2.00 GB of the 4.00 GB that are free.")]
    [InlineData(6, 10, 0, Fit.FitsAfterSwap, "It needs 6.00 GB and 4.00 GB are free: others leave for it first.")]
    [InlineData(2, 10, 1, Fit.FitsAfterSwap, "There is room for its 2.00 GB, but others leave first: 1 may be in memory at once (Residency:MaxResident).")]
    [InlineData(8, 7, 0, Fit.DoesNotFitNow, "Only 7.00 GB available, but at least 8.00 GB is needed for asked (as configured). Other programs hold the rest: close some of them, or try again later.")]
    [InlineData(12, 10, 0, Fit.Never, "Only 10.00 GB available, but at least 12.00 GB is needed for asked (as configured). That is all that models may use on this machine. Use a smaller model or a stronger quantisation, or give models more memory (Memory:Budget, Memory:Reserve).")]
    public void Of_SixGigabytesOfTenHeld_SaysSoWithNumbers(double gigabytes, double usable, int maxResident, Fit fit, string message)
    {
        var pool = Pool(usable, maxResident, Held("other", 6));

        var judged = ModelFit.Of(Model("asked"), Need(gigabytes), pool)!;

        Assert.Equal((fit, message), (judged.Value, judged.Message));
        Assert.Equal(new MemoryShortage(Gigabytes(gigabytes), Gigabytes(10), Gigabytes(usable - 6), Gigabytes(6)), judged.Figures);
    }

    [Fact]
    public void Of_APinnedOneInTheWay_IsNever()
    {
        var judged = ModelFit.Of(Model("asked"), Need(6), Pool(10, 0, Held("other", 6) with { Spec = Model("other") with { Pinned = true } }))!;

        Assert.Equal(Fit.Never, judged.Value);
        Assert.Contains("pinned models hold 6.00 GB of it", judged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_OnlyTheLesserWayFits_SaysWhatIsLowered()
    {
        var lesser = Need(5) with { Shape = new LaunchShape { Context = 8192, Lowered = "The context is 8192 tokens instead of 32768." } };

        var judged = ModelFit.Of(Model("asked"), new MemoryNeeds([Need(12), lesser]), Pool(10, 0))!;

        Assert.Equal((Fit.FitsWithLessContext, lesser, false, "The context is 8192 tokens instead of 32768."), (judged.Value, judged.Need, judged.OthersGoFirst, judged.Message));
    }

    [Theory]
    [InlineData(ResidentState.Ready, Fit.Loaded)]
    [InlineData(ResidentState.Launching, Fit.Loaded)]
    [InlineData(ResidentState.Draining, Fit.Fits)]
    [InlineData(ResidentState.Cooling, Fit.Fits)]
    public void Of_AModelThatIsThereItself_IsJudgedByItsState(ResidentState state, Fit fit)
    {
        var pool = Pool(10, 1, Held("asked", 6) with { State = state, Need = Need(6) });

        Assert.Equal(fit, ModelFit.Of(Model("asked"), Need(6), pool)!.Value);
    }

    [Fact]
    public void Of_MemoryNeverRead_IsUnknown() => Assert.Null(ModelFit.Of(Model("asked"), Need(1), new PoolSnapshot([], default, default, false)));

    private static PoolSnapshot Pool(double usable, int maxResident, params ResidentSnapshot[] models) =>
        new(models, new MemoryObservation(Gigabytes(10), Gigabytes(usable)), default, false) { MaxResident = maxResident };

    private static ResidentSnapshot Held(string id, double gigabytes) => new(id, ResidentState.Ready, "fake", 1, 2, 0, 0, DateTimeOffset.UnixEpoch, Gigabytes(gigabytes)) { Need = Need(gigabytes) };

    private static ModelSpec Model(string id) => new() { Id = id, Runner = "fake" };

    private static MemoryNeed Need(double gigabytes) => new(Gigabytes(gigabytes), "as configured");

    private static ByteSize Gigabytes(double value) => ByteSize.FromGigabytes(value);

    // A ledger with models of random needs, whose life goes on by itself: loads and stops end well, requests end, other programs come and go.
    private sealed class House
    {
        private static readonly MemoryObservation Nothing = new(Gigabytes(10), Gigabytes(10));

        private readonly Random _random;
        private readonly ResidencyLedger _ledger;
        private readonly LeaseGates _gates = new(TimeProvider.System, _ => { });
        private readonly List<(ModelSpec Spec, MemoryNeeds Needs)> _models = [];
        private readonly List<LaunchStarted> _launching = [];
        private readonly List<(string Model, int Launch)> _stopping = [];
        private readonly List<(string Model, int Launch)> _leases = [];
        private readonly List<(LeaseTicket Ticket, RefusalReason? Refused)> _settled = [];
        private readonly List<string> _sentAway = [];
        private readonly string _name;
        private readonly List<LaunchStarted> _started = [];
        private MemoryObservation _memory = Nothing;
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

        public House(int seed)
        {
            _name = $"seed {seed}";
            _random = new Random(seed);
            _ledger = new ResidencyLedger(new ResidencyOptions { MaxResident = seed % 4, IdleTimeout = TimeSpan.Zero, SwapPatience = TimeSpan.FromSeconds(seed % 3) });
            for (var i = 0; i < 7; i++)
            {
                var best = 0.5 + (_random.NextDouble() * 11);
                List<MemoryNeed> choices = [Way(best, 0)];
                for (var way = 1; way < _random.Next(1, 4); way++)
                {
                    choices.Add(Way(best *= 0.6, way));
                }

                _models.Add((Model($"m{i}") with { Pinned = i < 2 && seed % 2 == 0 }, new MemoryNeeds(ValueList.From(choices))));
            }

            static MemoryNeed Way(double gigabytes, int way) => Need(gigabytes) with { Shape = new LaunchShape { Context = 32768 >> way } };
        }

        // Ends in a state in which nobody waits, but somebody may be loading, leaving, busy or idle.
        public void Live()
        {
            _memory = new MemoryObservation(Gigabytes(10), Gigabytes(_random.Next(3) == 0 ? 10 : _random.NextDouble() * 10));
            foreach (var _ in Enumerable.Range(0, _random.Next(1, 5)))
            {
                var (spec, needs) = _models[_random.Next(_models.Count)];
                Tell(new LeaseRequested(new LeaseTicket(spec, needs, LeaseTerms.Person, _now)));
                switch (_random.Next(4))
                {
                    case 0: Calm(); break;
                    case 1: EndOne(_launching.Count + _leases.Count); break;
                    case 2: Tell(new UnloadRequested(spec.Id, new TaskCompletionSource())); break;
                }
            }

            while (_ledger.Waiting > 0)
            {
                Step();
            }

            if (_random.Next(3) == 0)
            {
                _memory = new MemoryObservation(Gigabytes(10), Gigabytes(_random.NextDouble() * 10));
                Tell(new TimeElapsed());
            }
        }

        public Fit ForetellAndAsk()
        {
            var (spec, needs) = _models[_random.Next(_models.Count)];
            var shown = new PublishedPool(_ledger, _gates).Now();
            var state = shown.Models.FirstOrDefault(m => m.Id == spec.Id)?.State ?? ResidentState.Absent;
            var fit = ModelFit.Of(spec, needs, shown)!;
            if (state is not ResidentState.Absent)
            {
                Assert.Equal(state is ResidentState.Ready or ResidentState.Launching, fit.Value is Fit.Loaded);
                return fit.Value;
            }

            List<string> staying = [.. shown.Models.Where(m => m.State is ResidentState.Ready or ResidentState.Launching).Select(m => m.Id)];
            var someoneLoads = shown.Models.Any(m => m.State is ResidentState.Launching);
            _started.Clear();
            _sentAway.Clear();
            var ticket = new LeaseTicket(spec, needs, LeaseTerms.Person, _now);
            Tell(new LeaseRequested(ticket));
            var refusal = _settled.Find(s => s.Ticket == ticket).Refused;
            switch (fit.Value)
            {
                case Fit.Fits or Fit.FitsWithLessContext when !fit.OthersGoFirst:
                    var started = Assert.Single(_started, s => s.Model == spec.Id);
                    Assert.Equal(fit.Need.Shape, started.Shape);
                    Assert.Equal(fit.Value is Fit.Fits, started.Shape == needs.Best.Shape);
                    Assert.Empty(_sentAway.Intersect(staying));
                    break;

                case Fit.FitsAfterSwap or Fit.FitsWithLessContext:
                    // Where only the number of models was in the way, it is launched while the other one leaves.
                    Assert.True((_started.Count == 0 || _ledger.Residents.Any(r => r.IsLeaving)) && refusal is null, $"{_name}: {spec.Id} did not have to wait");
                    UntilSettled(ticket);

                    // What a neighbour that was loading really leaves is known only when it is ready.
                    Assert.True(someoneLoads || _started.Exists(s => s.Model == spec.Id && s.Shape == fit.Need.Shape), $"{_name}: {spec.Id} was to be launched with {fit.Need.Shape}");
                    break;

                case Fit.DoesNotFitNow:
                    UntilSettled(ticket);
                    Assert.Empty(_started);
                    Assert.Empty(_sentAway.Intersect(staying));
                    Assert.Equal(RefusalReason.InsufficientMemoryNow, _settled.Find(s => s.Ticket == ticket).Refused);
                    break;

                case Fit.Never:
                    Assert.Equal(RefusalReason.InsufficientMemory, refusal);
                    Assert.Empty(_sentAway.Intersect(staying));
                    break;

                default:
                    Assert.Fail($"{_name}: {fit.Value}");
                    break;
            }

            return fit.Value;
        }

        private void UntilSettled(LeaseTicket ticket)
        {
            for (var steps = 0; !_settled.Exists(s => s.Ticket == ticket); steps++)
            {
                Assert.True(steps < 10_000, $"{_name}: {ticket.Model.Id} waits for ever");
                Step();
            }
        }

        private void Step()
        {
            _now += TimeSpan.FromMilliseconds(700);
            if (_launching.Count + _stopping.Count + _leases.Count > 0 && _random.Next(2) == 0)
            {
                EndOne(int.MaxValue);
            }
            else
            {
                Tell(new TimeElapsed());
            }
        }

        private void Calm()
        {
            while (_launching.Count + _stopping.Count + _leases.Count > 0)
            {
                EndOne(int.MaxValue);
            }
        }

        private void EndOne(int among)
        {
            var kinds = Math.Min(among, _launching.Count + _leases.Count + _stopping.Count);
            var which = kinds > 0 ? _random.Next(kinds) : -1;
            if (which < 0)
            {
                return;
            }

            if (which < _launching.Count)
            {
                var launch = _launching[which];
                _launching.RemoveAt(which);
                Tell(new LaunchSucceeded(launch.Model, launch.Launch, new FakeRunner()));
            }
            else if ((which -= _launching.Count) < _leases.Count)
            {
                var (model, launch) = _leases[which];
                _leases.RemoveAt(which);
                Tell(new LeaseReleased(model, launch, new Revocation()));
            }
            else
            {
                var (model, launch) = _stopping[which - _leases.Count];
                _stopping.RemoveAt(which - _leases.Count);
                Tell(new RunnerStopped(model, launch));
            }
        }

        private void Tell(ResidencyEvent happened)
        {
            foreach (var each in new[] { new MemoryObserved(_memory), happened })
            {
                foreach (var effect in _ledger.Apply(each, _now).ToArray())
                {
                    See(effect);
                }
            }
        }

        private void See(ResidencyEffect effect)
        {
            switch (effect)
            {
                case StartRunner e:
                    var started = new LaunchStarted(e.Model.Id, e.Launch, e.Shape);
                    _launching.Add(started);
                    _started.Add(started);
                    break;
                case StopRunner e:
                    _launching.RemoveAll(l => l.Model == e.Model);
                    _leases.RemoveAll(l => l.Model == e.Model);
                    _stopping.Add((e.Model, e.Launch));
                    _sentAway.Add(e.Model);
                    break;
                case GrantLease e:
                    _settled.Add((e.Ticket, null));
                    _leases.Add((e.Lease.Model.Id, e.Lease.Launch));
                    break;
                case RefuseLease e:
                    _settled.Add((e.Ticket, e.Refusal.Reason));
                    break;
            }
        }

        private sealed record LaunchStarted(string Model, int Launch, LaunchShape Shape);
    }
}
