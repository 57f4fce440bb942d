namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>What is done to the gateway and its runners from outside.</summary>
internal enum Blow
{
    /// <summary>SIGKILL to a runner.</summary>
    Kill,

    /// <summary>SIGSTOP to a runner: it is there, and neither computes nor answers.</summary>
    Stall,

    /// <summary>One model is unloaded.</summary>
    Unload,

    /// <summary>All models are unloaded.</summary>
    UnloadAll,

    /// <summary>The configuration is another one.</summary>
    Reload,
}

/// <summary>One planned blow.</summary>
/// <param name="After">How many requests have ended before it falls.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Pick">Which of the runners, models or configurations there are then: this, divided by their number, leaves its place.</param>
internal sealed record PlannedBlow(int After, Blow Kind, int Pick);

/// <summary>What every client does and what happens to the runners, drawn from one seed. The same seed and size give the same plan; only the timing of a run is its own.</summary>
internal sealed class ChaosPlan
{
    private static readonly Blow[] Deck =
    [
        Blow.Kill, Blow.Kill, Blow.Kill, Blow.Kill, Blow.Kill, Blow.Stall, Blow.Unload, Blow.Unload, Blow.UnloadAll, Blow.Reload, Blow.Reload, Blow.Reload,
    ];

    private readonly Random _random;
    private readonly IReadOnlyList<ChaosModel> _models;
    private readonly ChaosModel[] _demos;
    private int _number;

    private ChaosPlan(int seed, IReadOnlyList<ChaosModel> models)
    {
        _random = new Random(seed);
        _models = models;
        _demos = [.. models.Where(m => m.IsDemo)];
    }

    /// <summary>For each client the bursts that it sends one after another; the requests of a burst, one to six, are under way at once.</summary>
    public IReadOnlyList<IReadOnlyList<ChaosRequest[]>> Clients { get; private set; } = [];

    /// <summary>The blows, in their order.</summary>
    public IReadOnlyList<PlannedBlow> Blows { get; private set; } = [];

    /// <summary>
    /// One request for each way in which one can end, all of one model and without a blow behind them. A swap or a kill would give back a lease that the end of its request did not; after these nothing does.
    /// </summary>
    public IReadOnlyList<ChaosRequest> Afterwards { get; private set; } = [];

    /// <summary>Draws a plan.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="requests">How many requests all clients send together, at least.</param>
    /// <param name="clients">How many clients there are.</param>
    /// <param name="models">The models.</param>
    public static ChaosPlan Draw(int seed, int requests, int clients, IReadOnlyList<ChaosModel> models)
    {
        var plan = new ChaosPlan(seed, models);
        plan.Clients = [.. Enumerable.Range(0, clients).Select(_ => plan.Bursts((requests + clients - 1) / clients))];
        plan.Blows = [.. plan.DrawBlows(plan._number)];
        plan.Afterwards = [.. plan.EachWayToEnd()];
        return plan;
    }

    private List<ChaosRequest[]> Bursts(int requests)
    {
        var bursts = new List<ChaosRequest[]>();
        var model = Any(_models);
        for (var left = requests; left > 0; left -= bursts[^1].Length)
        {
            // People and agents stay with a model for a while.
            model = _random.Next(6) == 0 ? Any(_models) : model;
            bursts.Add([.. Enumerable.Range(0, _random.Next(1, 7)).Select(_ => Request(_random.Next(12) == 0 ? Any(_models) : model))]);
        }

        return bursts;
    }

    private ChaosRequest Request(ChaosModel model)
    {
        var trouble = _random.Next(400) switch
        {
            0 => Trouble.Freezes,
            < 8 => Trouble.UnknownModel,
            < 12 => Trouble.TooLarge,
            < 16 => Trouble.Dies,
            < 24 => Trouble.Cut,
            < 32 => Trouble.Reset,
            < 36 => Trouble.Hangs,
            < 40 => Trouble.ServerError,
            < 44 => Trouble.Unprocessable,
            _ => Trouble.None,
        };
        var embeds = _random.Next(12) == 0 && trouble <= Trouble.TooLarge;
        if (embeds || trouble > Trouble.TooLarge)
        {
            model = model.IsDemo ? model : Any(_demos);
        }

        // One that freezes a runner stays until the gateway has noticed: it has nobody else to notice it by.
        var manner = trouble is Trouble.Freezes ? Manner.Patient : _random.Next(20) switch { 0 => Manner.Slow, 1 or 2 => Manner.Leaves, _ => Manner.Patient };
        var stream = _random.Next(2) == 0;
        var length = _random.Next(10) == 0 || manner is not Manner.Patient ? _random.Next(100, 600) : _random.Next(1, 30);
        return new ChaosRequest
        {
            Number = ++_number,
            Model = model,
            Wish = embeds ? Wish.Embedding : _random.Next(5) == 0 && model.IsDemo ? Wish.Completion : Wish.Chat,
            Stream = stream && !embeds,
            Background = _random.Next(15) == 0 && trouble is not Trouble.Freezes,
            Length = length,
            Manner = manner,
            LeavesAfter = _random.Next(8) == 0 ? 0 : _random.Next(1, 20_000),
            Trouble = trouble,
            TroubleAfter = _random.Next(0, Math.Min(length, 40) + 1),
        };
    }

    private IEnumerable<ChaosRequest> EachWayToEnd() =>
        from stream in (bool[])[false, true]
        from way in ((Manner Manner, Trouble Trouble)[])
        [
            (Manner.Patient, Trouble.None), (Manner.Leaves, Trouble.None), (Manner.Patient, Trouble.Hangs), (Manner.Patient, Trouble.Cut), (Manner.Patient, Trouble.Reset), (Manner.Patient, Trouble.ServerError),
        ]
        select new ChaosRequest { Number = ++_number, Model = _demos[0], Stream = stream, Length = 600, Manner = way.Manner, LeavesAfter = stream ? 1000 : 0, Trouble = way.Trouble, TroubleAfter = 3 };

    private IEnumerable<PlannedBlow> DrawBlows(int requests)
    {
        // Dealt from a shuffled deck, so that each kind comes even in a short run. None in the last tenth, so that what is hit last is still asked for again.
        var deck = new Queue<Blow>();
        for (var after = 8; after < requests * 9 / 10; after += _random.Next(5, 14))
        {
            if (deck.Count == 0)
            {
                Blow[] cards = [.. Deck];
                _random.Shuffle(cards);
                deck = new Queue<Blow>(cards);
            }

            yield return new PlannedBlow(after, deck.Dequeue(), _random.Next(1000));
        }
    }

    private T Any<T>(IReadOnlyList<T> all) => all[_random.Next(all.Count)];
}
