using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using MlxGateway.Tests.Support;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>Carries a plan out: clients, blows, and the count of what came of each request.</summary>
internal sealed class ChaosRun(Gateway gateway, ChaosFleet fleet, ChaosPlan plan, Census census, Action<string> say)
{
    // How often a long run says how far it is.
    private const int Milestone = 1000;

    // As many as a person reads.
    private const int Told = 5;

    private readonly Calamities _calamities = new();
    private readonly ConcurrentDictionary<string, int> _outcomes = [];
    private readonly ConcurrentQueue<string> _lost = [];
    private readonly Channel<ChaosRequest> _ended = Channel.CreateUnbounded<ChaosRequest>();
    private int _requests;
    private int _due;
    private int _whole;

    /// <summary>How many requests were sent.</summary>
    public int Requests => _requests;

    /// <summary>How many requests with nothing wrong about them could have been answered, and how many were.</summary>
    public (int Due, int Whole) Patient => (_due, _whole);

    /// <summary>The requests that were lost, with all that came.</summary>
    public IReadOnlyCollection<string> Lost => _lost;

    /// <summary>What came of the requests, and what was done to them, in one line.</summary>
    public string Summary { get; private set; } = "";

    /// <summary>Runs it to its end.</summary>
    public async Task GoAsync(CancellationToken cancellationToken)
    {
        var since = Stopwatch.StartNew();
        var passed = 0;
        var disturber = new Disturber(gateway, fleet, _calamities, census);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var blows = disturber.RunAsync(plan.Blows, ReachedAsync);
        await Task.WhenAll(plan.Clients.Select(bursts => ServeAsync(bursts, stop.Token)));
        await blows;
        await ServeAsync([[.. plan.Afterwards]], stop.Token);
        var outcomes = string.Join(", ", _outcomes.OrderByDescending(o => o.Value).Select(o => $"{o.Value} {o.Key}"));
        Summary = $"{_requests} requests in {since.Elapsed.TotalSeconds:0} s: {outcomes}; {disturber.Dealt}; {census.Seen} processes";

        async Task ReachedAsync(int requests)
        {
            for (; passed < requests; passed++)
            {
                await _ended.Reader.ReadAsync(cancellationToken);
            }
        }
    }

    private async Task ServeAsync(IReadOnlyList<ChaosRequest[]> bursts, CancellationToken cancellationToken)
    {
        using var client = new ChaosClient(gateway.Address, cancellationToken);
        var judge = new ChaosJudge(_calamities);
        foreach (var burst in bursts)
        {
            await Task.WhenAll(burst.Select(r => Task.Run(() => OneAsync(client, judge, r), cancellationToken)));
        }
    }

    private async Task OneAsync(ChaosClient client, ChaosJudge judge, ChaosRequest request)
    {
        var calamity = request.Trouble is Trouble.Dies or Trouble.Freezes ? _calamities.Befall(request.Model.Id) : null;
        var exchange = await client.SendAsync(request);
        if (calamity is not null)
        {
            _calamities.Over(calamity);
        }

        var verdict = judge.Judge(exchange);
        _outcomes.AddOrUpdate(verdict.Name, 1, (_, n) => n + 1);
        if (Interlocked.Increment(ref _requests) % Milestone == 0)
        {
            say($"{_requests} requests, {_lost.Count} lost, {census.Handles} handles, {census.ResidentMegabytes} MB.");
        }

        if (request is { Trouble: Trouble.None, Background: false, Manner: not Manner.Leaves })
        {
            Interlocked.Increment(ref _due);
            Interlocked.Add(ref _whole, verdict.Name.StartsWith("whole", StringComparison.Ordinal) ? 1 : 0);
        }

        if (verdict.Flaw is not null && _lost.Count < Told)
        {
            _lost.Enqueue($"{request}\n  {verdict.Flaw}; {exchange.Parting} after {(exchange.Ended - exchange.Began).TotalSeconds:0.0} s, sent at {exchange.Began:HH:mm:ss.fff} over a connection that {(exchange.Before is { } before ? $"had served {before}" : "was new")}\n{exchange.Response.Raw}");
        }

        _ended.Writer.TryWrite(request);
    }
}
