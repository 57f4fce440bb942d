using System.Diagnostics;
using System.Globalization;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>
/// Concurrent clients over five models of which two fit, while runners are killed and stopped, models unloaded and the configuration changed: no request is lost and nothing is left behind.
/// About 150 requests in every run; <c>MLXGATEWAY_TESTS_CHAOS=N</c> makes it N, with every engine that is here; <c>MLXGATEWAY_TESTS_CHAOS_SEED</c> draws another plan.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int Short = 150;

    // What the runtime may open for itself in the meantime.
    private const int HandleSlack = 12;

    private static readonly int? Long = Number("MLXGATEWAY_TESTS_CHAOS");
    private static readonly int Seed = Number("MLXGATEWAY_TESTS_CHAOS_SEED") ?? 20_261_120;

    [Fact]
    public async Task Chaos_RunnersKilledStalledAndSwapped_NoRequestIsLostAndNothingIsLeft()
    {
        using var fleet = await ChaosFleet.AssembleAsync(withSlowEngines: Long is not null);
        var plan = ChaosPlan.Draw(Seed, Long ?? Short, clients: Long is null ? 6 : 12, fleet.Models);
        await using var gateway = await Gateway.StartAsync(fleet.Entries(), fleet.Rules());
        var census = new Census(gateway.Pid);
        await WarmUpAsync(gateway, fleet, census);
        await QuietAsync(gateway);
        var (handles, ports, megabytes) = (census.Handles, census.ListeningPorts(), census.ResidentMegabytes);

        var run = new ChaosRun(gateway, fleet, plan, census, Say);
        await run.GoAsync(TestContext.Current.CancellationToken);
        Say($"Chaos, seed {Seed}, models {string.Join(' ', fleet.Models.Select(m => m.Id))}: {run.Summary}");

        Assert.True(run.Lost.Count == 0, $"Seed {Seed}: {run.Summary}\n{string.Join("\n\n", run.Lost)}");
        Assert.True(run.Patient.Whole > run.Patient.Due / 2, $"Seed {Seed}: only {run.Patient.Whole} of {run.Patient.Due} were answered, so little was tried. {run.Summary}");
        await gateway.UntilRunningAsync(r => r.All(m => m is { Leases: 0, Waiting: 0 }));
        await NoLeaseIsOutAsync(gateway);
        census.Count();
        await QuietAsync(gateway);
        await FewAsync(() => census.Living.Count, 1, () => $"processes {string.Join(' ', census.Living)} of models that were unloaded"); // the guard
        Assert.Equal(ports, census.ListeningPorts());
        await FewAsync(() => census.Handles, handles + HandleSlack, () => $"handles, before {handles}:\n{census.HandlesInWords}");
        Say($"Handles {handles} before, {census.Handles} after; resident {megabytes} MB before, {census.ResidentMegabytes} MB after.");

        gateway.Signal("TERM");
        Assert.Equal(0, await gateway.ExitCodeAsync());
        await FewAsync(() => census.Living.Count, 0, () => $"processes {string.Join(' ', census.Living)} of a gateway that has ended");
    }

    [Fact]
    public void Plan_SameSeed_IsTheSame()
    {
        ChaosModel[] models = [new("a", true, ""), new("b", false, ""), new("c", true, "")];

        var (one, same, other) = (Draw(7), Draw(7), Draw(8));

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);

        string Draw(int seed)
        {
            var plan = ChaosPlan.Draw(seed, 300, 5, models);
            return string.Join('\n', [.. plan.Clients.SelectMany(c => c).SelectMany(b => b).Select(r => $"{r} {r.Body().Length}"), .. plan.Blows.Select(b => b.ToString())]);
        }
    }

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var n) ? n : null;

    // Everything that is opened once and kept, for each kind of runner, before the handles are counted.
    private static async Task WarmUpAsync(Gateway gateway, ChaosFleet fleet, Census census)
    {
        foreach (var model in fleet.Models)
        {
            var answers = await Task.WhenAll(gateway.ChatAsync(model.Id), gateway.ChatAsync(model.Id, "\"stream\":true"));
            Assert.All(answers, a => Assert.Equal(200, a.Status));
            foreach (var running in await gateway.RunningAsync())
            {
                census.Remember(running.Pid ?? 0);
            }
        }

        census.Count();
    }

    private static async Task QuietAsync(Gateway gateway)
    {
        await gateway.PostAsync("/api/models/unload", "");
        await gateway.UntilRunningAsync(r => r.Count == 0);
    }

    // The numbers of /running forget a lease when its runner goes, and hardly a runner is there in the end that was there when it was lost. This one forgets none.
    private static async Task NoLeaseIsOutAsync(Gateway gateway)
    {
        var since = Stopwatch.StartNew();
        while ((await gateway.GetAsync("/api/explain")).Json.GetProperty("leases_out").GetInt32() is > 0 and var leases)
        {
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(20), $"Seed {Seed}: {leases} leases were never given back");
        }
    }

    private static async Task FewAsync(Func<int> count, int most, Func<string> what)
    {
        var since = Stopwatch.StartNew();
        await Gateway.UntilAsync(() =>
        {
            var now = count();
            Assert.True(now <= most || since.Elapsed < TimeSpan.FromSeconds(40), $"Seed {Seed}: {now} {what()}");
            return now <= most;
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        if (Long is not null)
        {
            Console.WriteLine(line);
        }
    }
}
