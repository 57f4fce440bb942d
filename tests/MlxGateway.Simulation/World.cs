using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Simulation;

/// <summary>
/// A machine, its models and their clients around a real <see cref="ModelPool"/>, on one thread and in virtual time. Everything that is not decided by the pool is drawn from the seed,
/// so the same seed is the same history, to the last line.
/// </summary>
internal sealed class World
{
    // Hundreds may come in one grain of time, each with a few dozen turns.
    private const int MostTurnsOfATime = 100_000;

    private static readonly string[] Names = ["one", "another", "a third"];

    private readonly ModelPool _pool;
    private readonly long _events;
    private readonly double[] _shares;
    private long _clients;
    private long _turnsBefore;
    private Task? _shutdown;
    private bool _isEnding;
    private TimeSpan _quietUntil;
    private bool _hasEnded;

    /// <param name="seed">Which world.</param>
    /// <param name="events">About how many things happen in it before it comes to its end.</param>
    /// <param name="verbose">Where each is told as it happens; null: nowhere.</param>
    public World(ulong seed, long events, TextWriter? verbose = null)
    {
        Dice = new Dice(seed);
        Scenario = new Scenario(Dice);
        Time = new VirtualTime(Scenario.Grain);
        Thread = new OneThread(Scenario.InOrder ? null : new Dice(Dice.Next()));
        Trace = new Trace(Time, verbose);
        Machine = new Machine(Scenario, Trace, Dice);
        Referee = new Referee(this);
        _events = events;
        _shares = [.. Scenario.Models.Select(_ => Dice.Fraction())];
        _pool = new ModelPool(Scenario.Options, new SimulatedLauncher(this), new NoReadAhead(), Machine, null, Time, Thread, new FaultLog(this));
    }

    public Dice Dice { get; }

    public Scenario Scenario { get; }

    public VirtualTime Time { get; }

    public OneThread Thread { get; }

    public Trace Trace { get; }

    public Machine Machine { get; }

    public Referee Referee { get; }

    public IModelPool Pool => _pool;

    /// <summary>Counts the moments: the stretches between two rests of the pool.</summary>
    public long Moment { get; private set; }

    /// <summary>Whether nothing new goes wrong and nobody new comes, so that all who wait must be served.</summary>
    public bool IsCalm { get; private set; }

    // Whether nobody comes and nothing befalls anybody.
    private bool IsQuiet => IsCalm || Time.Now < _quietUntil;

    public SimulatedModel ModelOf(string id) => Array.Find(Scenario.Models, m => m.Current.Id == id)!;

    /// <summary>Runs it from its beginning to its end.</summary>
    /// <exception cref="BreachException">A law was broken.</exception>
    public void Run()
    {
        Thread.Post(Begin);
        ComeToRest();
        Time.In(TimeSpan.FromSeconds(1), Arrive);
        for (var agent = 0; agent < Scenario.Agents; agent++)
        {
            Time.In(Dice.Seconds(0.01, 10), new Agent(this, Scenario.Models[Dice.Below(Scenario.Models.Length)]).Ask);
        }

        if (Scenario.Hazard > 0)
        {
            Time.In(Dice.Arrival(BetweenMishaps), Mishap);
        }

        var suddenEnd = Dice.Chance(0.3);
        while (_shutdown is null)
        {
            Step();
            if (Trace.Count >= _events && !_isEnding)
            {
                _isEnding = true;
                EnterCalm();
                if (suddenEnd)
                {
                    ShutDown();
                }
            }

            if (IsCalm && Referee.Waiting == 0)
            {
                LeaveCalm();
            }
        }

        while (!_shutdown.IsCompleted || Time.HasPlans)
        {
            Step();
        }

        Thread.Post(() => _pool.StopAsync(CancellationToken.None).ContinueWith(Ended, CancellationToken.None, TaskContinuationOptions.None, Thread));
        Thread.Post(new Client(this, Scenario.Models[0], Scenario.Models[0].Current, LeaseTerms.Person, ++_clients, null).Ask);
        Thread.Post(() => Referee.Unload(Scenario.Models[0]));
        ComeToRest();
        Referee.Demand(_hasEnded, $"the pool did not stop");
        Referee.End();
    }

    // As a gateway does before it listens: those that are never evicted first, and then those that would leave last.
    private void Begin()
    {
        _ = _pool.StartAsync(CancellationToken.None);
        foreach (var model in Scenario.Models.Where(_ => Dice.Chance(Scenario.Kept)).OrderByDescending(m => m.Current.Pinned).ThenByDescending(m => m.Current.Priority))
        {
            var shape = Dice.One([.. model.NeedsOf(model.Current).Choices]).Shape;
            var runner = SimulatedRunner.Kept(this, model, shape);
            Referee.Adopted(runner);
            _pool.Adopt(new AdoptedRunner(model.Current, shape, runner));
        }
    }

    private TimeSpan BetweenMishaps => TimeSpan.FromSeconds(20 / Scenario.Hazard);

    private void Ended(Task stopped)
    {
        Referee.Demand(stopped.IsCompletedSuccessfully, $"the pool did not stop cleanly: {stopped.Exception}");
        _hasEnded = true;
    }

    // Much may happen in one moment, and the pool may be half way through its answer when the next thing comes.
    private void Step()
    {
        Referee.Demand(Time.HasPlans, $"nothing will ever happen any more");
        Advance();
        while (Time.IsDueNow)
        {
            for (var turns = Dice.Below(6); turns > 0 && RunOne(); turns--)
            {
            }

            Advance();
        }

        ComeToRest();
    }

    private void Advance()
    {
        var before = Time.Now;
        Thread.Post(Time.Next());
        _turnsBefore = Time.Now > before ? Thread.Turns : _turnsBefore;
    }

    private bool RunOne()
    {
        Referee.Demand(Thread.Turns - _turnsBefore < MostTurnsOfATime, $"the pool is busy for ever, and time stands still");
        return Thread.RunOne();
    }

    private void ComeToRest()
    {
        while (RunOne())
        {
        }

        foreach (var model in Scenario.Models)
        {
            model.Alive?.HearCancel();
        }

        if (Thread.Fault is { } fault)
        {
            throw fault;
        }

        Referee.AtRest();
        Machine.Rest();
        Moment++;
    }

    private void Arrive()
    {
        if (_isEnding)
        {
            return;
        }

        if (!IsQuiet)
        {
            if (Scenario.KeepAlives > 0 && Dice.Chance(0.02))
            {
                SayLastWords();
            }

            var burst = Dice.Chance(0.03) ? 1 + Dice.Below(12) : 1;
            for (var i = 0; i < burst && !IsQuiet; i++)
            {
                Come(Somebodys(), null);
            }

            if (Dice.Chance(0.002))
            {
                EnterCalm();
            }
        }

        Time.In(Dice.Arrival(Scenario.BetweenArrivals), Arrive);
    }

    // Any later news makes the pool look again at all of its alarms. So that what it made of the last word on how long a model is to stay can show, nothing more happens for a while.
    private void SayLastWords()
    {
        var model = Somebodys();
        Come(model, null, LeaseTerms.Person with { KeepAlive = KeepAlive() });
        Come(model, null);
        _quietUntil = Time.Now + Dice.Seconds(60, 600);
    }

    private void Come(SimulatedModel model, Action? whenOver, LeaseTerms? terms = null)
    {
        var spec = model.Previous is { } previous && Dice.Chance(0.1) ? previous : model.Current;
        Thread.Post(new Client(this, model, spec, terms ?? Terms(), ++_clients, whenOver).Ask);
    }

    // How long it says its model is to stay: not at all, for ever, or for a while.
    private TimeSpan KeepAlive() => Dice.One(TimeSpan.Zero, Timeout.InfiniteTimeSpan, Dice.Seconds(0.1, 100));

    private LeaseTerms Terms()
    {
        var client = Names[_clients % Names.Length];
        if (Dice.Chance(Scenario.Background))
        {
            // Some are loads ahead of any request.
            return new LeaseTerms { Client = client, IsBackground = true, MayEvict = Dice.Chance(0.85), StandIn = Dice.Chance(0.8) ? Scenario.StandIn?.Current : null };
        }

        return new LeaseTerms { Client = client, KeepAlive = Dice.Chance(Scenario.KeepAlives) ? KeepAlive() : null };
    }

    private SimulatedModel Somebodys()
    {
        if (Dice.Chance(Scenario.Skew))
        {
            return Scenario.Models[0];
        }

        var best = Dice.Below(_shares.Length);
        var other = Dice.Below(_shares.Length);
        return Scenario.Models[_shares[best] > _shares[other] ? best : other];
    }

    private void Mishap()
    {
        if (_isEnding)
        {
            return;
        }

        if (!IsQuiet)
        {
            Befall(Scenario.Models[Dice.Below(Scenario.Models.Length)]);
        }

        Time.In(Dice.Arrival(BetweenMishaps), Mishap);
    }

    private void Befall(SimulatedModel model)
    {
        switch (Dice.Below(8))
        {
            case 0 or 1:
                SetOthers(Dice.Chance(0.4) ? 0 : Dice.Between(0, 1));
                break;
            case 2:
                Machine.IsBroken = true;
                Trace.Add(Happening.ProbeBroke);
                Time.In(Dice.Seconds(0.5, 60), Mend);
                break;
            case 3 or 4:
                Referee.Unload(model);
                break;
            case 5 or 6:
                model.Reload(Dice);
                Trace.Add(Happening.Reloaded, model.Number);
                Referee.Disturbed();
                break;
            default:
                model.Alive?.Die();
                break;
        }
    }

    /// <summary>
    /// Somebody is leaving for background work. Another program may take what becomes free before it can, and a person may come for another model: who gives way to whom then shows only
    /// if nothing else happens for a while.
    /// </summary>
    public void MayTakeWhatIsLeftBy(SimulatedRunner leaving)
    {
        var isForBackground = Array.Exists(Scenario.Models, m => m.Alive is null && m.PerhapsWaiting.Any()) && Array.TrueForAll(Scenario.Models, m => !m.People.Any());
        if (IsQuiet || _isEnding || !isForBackground || !Dice.Chance(0.5 * Scenario.Hazard) || Array.FindAll(Scenario.Models, m => m.Alive is null && !m.PerhapsWaiting.Any()) is not { Length: > 0 } others)
        {
            return;
        }

        SetOthers((double)(Machine.Others + leaving.Planned).Bytes / Scenario.Total.Bytes);
        Come(others[Dice.Below(others.Length)], null, LeaseTerms.Person);
        _quietUntil = Time.Now + Dice.Seconds(60, 300);
    }

    private void SetOthers(double share)
    {
        Machine.Others = new((long)(Scenario.Total.Bytes * share));
        Trace.Add(Happening.MemoryTaken, detail: Machine.Others.Bytes);
        Referee.Disturbed();
    }

    private void Mend()
    {
        if (Machine.IsBroken)
        {
            Machine.IsBroken = false;
            Trace.Add(Happening.ProbeMended);
            Referee.Disturbed();
        }
    }

    private void EnterCalm()
    {
        IsCalm = true;
        Trace.Add(Happening.Calm);
        SetOthers(0);
        Mend();
    }

    private void LeaveCalm()
    {
        if (_isEnding)
        {
            ShutDown();
            return;
        }

        IsCalm = false;
        Trace.Add(Happening.Rage);
    }

    private void ShutDown()
    {
        if (_shutdown is not null)
        {
            return;
        }

        var ended = new TaskCompletionSource();
        _shutdown = ended.Task;
        var patience = Dice.Chance(0.3) ? TimeSpan.Zero : Dice.Seconds(0.1, 60);
        Thread.Post(() =>
        {
            Referee.ShuttingDown(patience);
            Pool.ShutDownAsync(patience).ContinueWith(
                _ =>
                {
                    Referee.ShutDownIsOver();
                    ended.TrySetResult();
                },
                CancellationToken.None,
                TaskContinuationOptions.None,
                Thread);
        });

        // ... and some come too late.
        for (var late = Dice.Below(4); late > 0; late--)
        {
            Time.In(Dice.Seconds(0.001, 30), () => Come(Somebodys(), null));
        }

        if (Dice.Chance(0.3))
        {
            // Asked twice, the second time with less patience.
            Time.In(Dice.Seconds(0.1, 10), () =>
            {
                Referee.ShuttingDown(TimeSpan.Zero);
                _ = Pool.ShutDownAsync(TimeSpan.Zero);
            });
        }
    }

    /// <summary>A client that asks one model, thinks, and asks again.</summary>
    private sealed class Agent(World world, SimulatedModel model)
    {
        private readonly TimeSpan _thinks = world.Dice.Seconds(0.01, 20);

        public void Ask()
        {
            if (world._isEnding || world._shutdown is not null)
            {
                return;
            }

            if (world.IsQuiet)
            {
                Think();
            }
            else
            {
                world.Come(model, Think);
            }
        }

        private void Think() => world.Time.In(world.Dice.Arrival(_thinks) + TimeSpan.FromMilliseconds(10), Ask);
    }

    /// <summary>The pool's log, of which one thing matters here: that its loop never fails.</summary>
    private sealed class FaultLog(World world) : ILogger<ModelPool>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Critical;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                world.Thread.Fault ??= new BreachException($"{formatter(state, exception)} {exception}");
            }
        }
    }
}
