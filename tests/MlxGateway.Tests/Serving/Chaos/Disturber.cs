using System.Diagnostics;
using MlxGateway.Tests.Engines;
using MlxGateway.Tests.Support;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>Deals the planned blows, each when as many requests have ended as the plan says.</summary>
internal sealed class Disturber(Gateway gateway, ChaosFleet fleet, Calamities calamities, Census census)
{
    // The watch for hangs is to find a stalled runner that serves somebody; one that nobody asks for is ended by hand.
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(12);

    private readonly List<Task> _stalls = [];
    private readonly Dictionary<string, int> _dealt = [];

    /// <summary>What was done, with how often.</summary>
    public string Dealt => string.Join(", ", _dealt.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Value} {d.Key}"));

    /// <summary>Deals all blows. <paramref name="reached"/> completes when so many requests have ended.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedBlow> blows, Func<int, Task> reached)
    {
        foreach (var blow in blows)
        {
            await reached(blow.After);
            await DealAsync(blow);
            census.Count();
        }

        await Task.WhenAll(_stalls);
        gateway.Configure($"{fleet.Rules()},\"Models\":{{{fleet.Entries()}}}");
    }

    private async Task DealAsync(PlannedBlow blow)
    {
        switch (blow.Kind)
        {
            case Blow.Kill or Blow.Stall:
                var running = (await gateway.RunningAsync()).Where(m => m.Pid is not null).ToList();
                running.ForEach(m => census.Remember(m.Pid!.Value));
                if (running.Count > 0)
                {
                    Strike(running[blow.Pick % running.Count], blow.Kind);
                }

                break;
            case Blow.Unload:
                Tally("unloads");
                await gateway.PostAsync($"/api/models/unload/{fleet.Models[blow.Pick % fleet.Models.Count].Id}", "");
                break;
            case Blow.UnloadAll:
                Tally("unloads of all");
                await gateway.PostAsync("/api/models/unload", "");
                break;
            case Blow.Reload:
                Tally("reloads");
                var variant = blow.Pick % ChaosFleet.Variants;
                gateway.Configure($"{fleet.Rules(variant)},\"Models\":{{{fleet.Entries(variant)}}}");
                break;
        }
    }

    private void Strike(RunningModel target, Blow kind)
    {
        var pid = target.Pid!.Value;
        if (!census.IsOurs(pid) || SeenProcess.Of(pid) is not { } process)
        {
            return; // it was gone before the blow fell
        }

        var calamity = calamities.Befall(target.Model);
        EngineProcess.Signal(kind is Blow.Kill ? "KILL" : "STOP", pid);
        Tally(kind is Blow.Kill ? $"kills while {target.State}" : $"stalls while {target.State}");
        if (kind is Blow.Kill)
        {
            calamities.Over(calamity);
            return;
        }

        _stalls.Add(EndStallAsync(process, calamity));
    }

    private async Task EndStallAsync(SeenProcess process, object calamity)
    {
        var since = Stopwatch.StartNew();
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (process.IsAlive && since.Elapsed < StallLimit)
        {
            await glances.WaitForNextTickAsync();
        }

        if (process.IsAlive)
        {
            EngineProcess.Signal("KILL", process.Pid);
            Tally("stalls ended by hand");
        }
        else
        {
            Tally("stalls ended by the gateway");
        }

        calamities.Over(calamity);
    }

    private void Tally(string what)
    {
        lock (_dealt)
        {
            _dealt[what] = _dealt.GetValueOrDefault(what) + 1;
        }
    }
}
