using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

/// <summary>How one world is: drawn from its seed, so that each seed is another machine with other models, other settings, other clients and other mishaps.</summary>
internal sealed class Scenario
{
    public Scenario(Dice dice)
    {
        Options = new ResidencyOptions
        {
            MaxResident = dice.One(0, 0, 1, 1, 2),
            SwapPatience = dice.Below(3) switch { 0 => null, 1 => TimeSpan.Zero, _ => dice.Seconds(0.5, 20) },
            DrainTimeout = dice.Below(5) switch { 0 => TimeSpan.Zero, 1 => TimeSpan.FromMinutes(10), _ => dice.Seconds(1, 60) },
            LaunchTimeout = dice.Below(4) switch { 0 => TimeSpan.FromMinutes(10), _ => dice.Seconds(2, 150) },
            IdleTimeout = dice.Below(4) switch { 0 => TimeSpan.Zero, 1 => dice.Seconds(300, 3600), _ => dice.Seconds(1, 60) },
            QueueLimit = dice.Below(4) switch { 0 => 1 + dice.Below(5), 1 => 512, _ => 20 },
            Cooldown = dice.Below(4) switch { 0 => TimeSpan.Zero, _ => dice.Seconds(0.5, 30) },
        };
        Grain = TimeSpan.FromTicks(dice.One(1, 1, TimeSpan.TicksPerMillisecond, 100 * TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerSecond));
        InOrder = dice.Chance(0.25);
        Total = ByteSize.FromGigabytes(dice.Spread(8, 64));
        Reserve = dice.Chance(0.5) ? ByteSize.Zero : ByteSize.FromGigabytes(1);
        Hazard = dice.Below(4) switch { 0 => 0, 1 => 0.15, _ => dice.Spread(0.3, 1.5) };
        BetweenArrivals = dice.Seconds(0.05, 10);
        MeanHold = dice.Seconds(0.02, 30);
        LongestHold = dice.Seconds(20, 200);
        LongestNotice = dice.Seconds(0.1, 60);
        LongestStop = dice.Seconds(0.01, 30);
        Skew = dice.Between(0, 0.9);
        Leavers = dice.One(0, 0.05, 0.3);
        Agents = dice.Below(4);
        LoadTimes = (dice.Spread(0.01, 10), dice.Spread(10, 120));
        Background = dice.One(0, 0, 0.05, 0.2, 0.5);
        Options.BackgroundPatience = dice.Seconds(1, 120);
        Options.BackgroundRespite = dice.Below(3) switch { 0 => TimeSpan.Zero, _ => dice.Seconds(1, 300) };
        KeepAlives = dice.One(0, 0, 0.1, 0.5);

        // Where much is said of how long models stay, there are pauses in which it shows.
        BetweenArrivals *= KeepAlives == 0.5 ? 6 : 1;
        Grouped = dice.One(0, 0, 0.5);
        Rivals = dice.One(0, 0, 0.4);
        HasPriorities = dice.Chance(0.4);
        Kept = dice.One(0, 0, 0.3);
        var models = new List<SimulatedModel>();
        for (var count = 2 + dice.Below(6); models.Count < count;)
        {
            models.Add(new SimulatedModel(models.Count, this, models, dice));
        }

        Models = [.. models];
        StandIn = Background > 0 && dice.Chance(0.4) ? Models[dice.Below(Models.Length)] : null;
    }

    public ResidencyOptions Options { get; }

    /// <summary>On what grain of time everything happens that is not the pool's own doing; coarse ones make coincidences.</summary>
    public TimeSpan Grain { get; }

    /// <summary>Whether tasks have their turns in the order in which they came.</summary>
    public bool InOrder { get; }

    public ByteSize Total { get; }

    public ByteSize Reserve { get; }

    /// <summary>The most that all models could ever use together.</summary>
    public ByteSize Ceiling => Total - Reserve;

    /// <summary>How much goes wrong; 0: nothing.</summary>
    public double Hazard { get; }

    public TimeSpan BetweenArrivals { get; }

    public TimeSpan MeanHold { get; }

    /// <summary>The clients' own time limit: the longest that a lease is held.</summary>
    public TimeSpan LongestHold { get; }

    /// <summary>The longest that it takes a client to notice that its lease was taken back.</summary>
    public TimeSpan LongestNotice { get; }

    /// <summary>The longest that it takes until nothing is left of a runner that was told to stop, or of a launch that was cancelled.</summary>
    public TimeSpan LongestStop { get; }

    /// <summary>How much of the traffic the first model has for itself.</summary>
    public double Skew { get; }

    /// <summary>How many of the clients leave early.</summary>
    public double Leavers { get; }

    /// <summary>How many clients ask one model again and again.</summary>
    public int Agents { get; }

    public (double Least, double Most) LoadTimes { get; }

    /// <summary>How many of the requests are background work.</summary>
    public double Background { get; }

    /// <summary>Who serves background work for models that are not at its disposal; null: nobody.</summary>
    public SimulatedModel? StandIn { get; }

    /// <summary>How many of the requests say how long their model is to stay.</summary>
    public double KeepAlives { get; }

    /// <summary>How many of the models are in one group.</summary>
    public double Grouped { get; }

    /// <summary>How many of the models may not be in memory beside another one.</summary>
    public double Rivals { get; }

    /// <summary>Whether some models leave before others, whatever speaks for them.</summary>
    public bool HasPriorities { get; }

    /// <summary>How many of the models an earlier gateway has kept in memory.</summary>
    public double Kept { get; }

    public SimulatedModel[] Models { get; }
}

/// <summary>One model: how it is configured, what it needs and how it has fared.</summary>
internal sealed class SimulatedModel
{
    private readonly List<Version> _versions = [];
    private readonly Scenario _scenario;
    private readonly TimeSpan _load;

    public SimulatedModel(int number, Scenario scenario, List<SimulatedModel> earlier, Dice dice)
    {
        Number = number;
        _scenario = scenario;
        _load = dice.Seconds(scenario.LoadTimes.Least, scenario.LoadTimes.Most);

        // What is pinned is in the way of whatever may not be beside it, for ever: no configuration has both.
        var isPinned = dice.Chance(0.12);
        var rivals = isPinned || !dice.Chance(scenario.Rivals) ? [] : earlier.Where(m => !m.Current.Pinned).Select(m => m.Current.Id).ToList();
        Current = new ModelSpec
        {
            Id = $"m{number}",
            Runner = "simulated",
            Pinned = isPinned,
            MaxConcurrency = dice.One(0, 0, 1, 2),
            IdleTimeout = dice.Chance(0.2) ? dice.Seconds(1, 120) : null,
            Group = !isPinned && dice.Chance(scenario.Grouped) ? "group" : null,
            ExclusiveWith = rivals.Count == 0 ? [] : [rivals[dice.Below(rivals.Count)]],
            Priority = scenario.HasPriorities ? dice.One(0, 0, -1, 1) : 0,
        };
        AddVersion(dice);
    }

    public int Number { get; }

    /// <summary>As the catalog has it now.</summary>
    public ModelSpec Current { get; private set; }

    /// <summary>As the catalog had it before; some requests still carry it.</summary>
    public ModelSpec? Previous { get; private set; }

    /// <summary>The launch whose processes are not all gone; null: there is none.</summary>
    public SimulatedRunner? Alive { get; set; }

    /// <summary>Who waits for it.</summary>
    public HashSet<Client> Waiting { get; } = [];

    /// <summary>The moment (see <see cref="World.Moment"/>) in which somebody last waited for it.</summary>
    public long WaitedIn { get; set; } = -1;

    /// <summary>The moment in which somebody who waited last left.</summary>
    public long LeftIn { get; set; } = -1;

    /// <summary>The moment in which somebody last wanted it unloaded.</summary>
    public long UnloadedIn { get; set; } = -1;

    /// <summary>When a lease of the present launch was last granted or came back, or when it became ready: since then at the latest it may be idle.</summary>
    public TimeSpan LastUsed { get; set; }

    /// <summary>The same, or when anything else happened that the pool may take for use, as a lease that found its client gone.</summary>
    public TimeSpan LastTouched { get; set; }

    /// <summary>Since when it could not be launched even if all left that may; null: it could be.</summary>
    public TimeSpan? ShortSince { get; set; }

    /// <summary>How often it has failed in any way.</summary>
    public int Failures { get; set; }

    public TimeSpan? LastFailure { get; set; }

    /// <summary>What failed to launch last, and when; null: nothing, or it was launched since.</summary>
    public FailedLaunch? FailedLaunch { get; set; }

    /// <summary>Whether its next launch is doomed too.</summary>
    public bool IsDoomed { get; set; }

    /// <summary>The background requests of other models that it may serve in their place.</summary>
    public HashSet<Client> StandsInFor { get; } = [];

    /// <summary>The same as <see cref="WaitedIn"/>, of people.</summary>
    public long PersonWaitedIn { get; set; } = -1;

    /// <summary>The same, of background requests for which others may be sent away, their own or those that it may serve for another model.</summary>
    public long BackgroundWaitedIn { get; set; } = -1;

    /// <summary>When a person's lease was last granted or came back; null: never.</summary>
    public TimeSpan? LastPerson { get; set; }

    /// <summary>The people who wait for it.</summary>
    public IEnumerable<Client> People => Waiting.Where(c => !c.Terms.IsBackground);

    /// <summary>Who waits for it, or perhaps for another one.</summary>
    public IEnumerable<Client> PerhapsWaiting => Waiting.Concat(StandsInFor);

    /// <summary>The longest that a load of it takes.</summary>
    public TimeSpan MostLoadTime => _load * 1.5;

    public TimeSpan LoadTime(Dice dice) => _load * dice.Between(0.7, 1.5);

    /// <summary>Whether the two may never be in memory together.</summary>
    public bool IsRivalOf(SimulatedModel other) => other != this
        && ((Current.Group is { } group && group == other.Current.Group) || Current.ExclusiveWith.Contains(other.Current.Id) || other.Current.ExclusiveWith.Contains(Current.Id));

    public MemoryNeeds NeedsOf(ModelSpec spec) => _versions.Find(v => v.Spec == spec)!.Needs;

    /// <summary>The least that any version of it needs that may still be about.</summary>
    public ByteSize Least => About().Min(n => n.Least.Total);

    /// <summary>The most that the smallest choice of any such version needs.</summary>
    public ByteSize MostOfLeast => About().Max(n => n.Least.Total);

    /// <summary>Notes that somebody asks for it, so that a launch with another specification may end because of that.</summary>
    public void Ask(ModelSpec spec, long moment) => _versions.Find(v => v.Spec == spec)!.AskedIn = moment;

    /// <summary>Whether another specification was asked for in or after that moment.</summary>
    public bool IsSuperseded(ModelSpec spec, long since) => _versions.Exists(v => v.AskedIn >= since && v.Spec != spec);

    /// <summary>Changes the catalog: a new specification, or an equal copy of the old one.</summary>
    public void Reload(Dice dice)
    {
        Previous = Current;
        if (dice.Chance(0.3))
        {
            Current = Current with { };
            return;
        }

        Current = Current with { Source = $"{Number}.{_versions.Count}", MaxConcurrency = dice.One(0, 0, 1, 2) };
        AddVersion(dice);
    }

    private IEnumerable<MemoryNeeds> About() => _versions.TakeLast(5).Select(v => v.Needs).Concat(Waiting.Select(c => NeedsOf(c.Spec)));

    private void AddVersion(Dice dice)
    {
        var best = _scenario.Ceiling.Bytes * (dice.Chance(0.08) ? 1.2 : Current.Pinned ? dice.Between(0.05, 0.3) : dice.Between(0.05, 0.8));
        var choices = dice.One(1, 1, 2, 4);
        var needs = new MemoryNeed[choices];
        for (var i = 0; i < choices; i++)
        {
            needs[i] = new MemoryNeed(new ByteSize((long)(best * (1 - (0.2 * i)))), "as drawn") { Shape = new LaunchShape { Context = (_versions.Count * 10) + i + 1 } };
        }

        _versions.Add(new Version(Current, new MemoryNeeds([.. needs])));
    }

    private sealed class Version(ModelSpec spec, MemoryNeeds needs)
    {
        public ModelSpec Spec => spec;

        public MemoryNeeds Needs => needs;

        public long AskedIn { get; set; } = -1;
    }
}

/// <summary>A launch that failed by itself, and when.</summary>
internal sealed record FailedLaunch(SimulatedRunner Runner, TimeSpan At)
{
    /// <summary>Whether it may have been given up for somebody else in the very moment.</summary>
    public bool MayBeGivenUp { get; set; }
}
