using System.Globalization;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What outlives a gateway that keeps its runners, and what becomes of it.</summary>
public sealed class RestartTests
{
    private const string Keep = """ "Residency":{"MaxResident":0,"OnExit":"Keep"},"Memory":{"Reserve":"0GB"} """;
    private const string Stop = """ "Residency":{"MaxResident":0,"OnExit":"Stop"},"Memory":{"Reserve":"0GB"} """;
    private const string Models = """ "one":{"Runner":"demo","Memory":"50MB"},"two":{"Runner":"demo","Memory":"50MB","Args":["--load-time","600"]} """;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Restart_WithKeep_FindsTheRunnerReadyAndItsLogGoingOn()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        var loading = first.ChatAsync("two");
        var launching = (await first.UntilRunningAsync(all => all.Any(m => m.Model == "two"))).Count;
        Assert.Equal(2, launching);

        await StopAsync(first);
        Assert.Equal(503, (await loading).Status);
        Assert.True(Gateway.IsAlive(pid));
        Assert.Single(RunnersOf(first)); // the one that was not ready is gone

        // Switched off meanwhile: that is for the next time.
        await using var second = await first.StartAnotherAsync(Models, Stop);
        Assert.Equal(("one", "ready", pid), Of(Assert.Single(await second.RunningAsync())));
        Assert.Equal(200, (await second.ChatAsync("one")).Status);
        Assert.Equal(("one", "ready", pid), Of(Assert.Single(await second.RunningAsync())));
        Assert.Equal(["adopted"], (await second.GetAsync("/api/explain")).Json.GetProperty("decisions").EnumerateArray().Select(d => d.GetProperty("kind").GetString()));

        await StopAsync(second);
        await Gateway.GoneAsync(pid, Soon);
        Assert.Empty(Directory.GetFiles(Path.Combine(first.StateFolder, "kept")));
    }

    [Fact]
    public async Task Restart_WithStop_KnowsHowLongItsModelsTakeToLoad()
    {
        using var gate = new Gate();
        gate.Open();
        var slow = $$"""
            "slow":{"Runner":"demo","Memory":"50MB","Args":["--load-time","1",{{gate.LoadInJson}}]}
            """;
        await using var first = await Gateway.StartAsync(slow, Stop);
        await LoadAsync(first, "slow");
        await StopAsync(first);

        gate.Close(); // the load goes on for as long as it is looked at
        await using var second = await first.StartAnotherAsync(slow, Stop);
        var asked = second.ChatAsync("slow");
        await second.UntilRunningAsync(all => all.Any(m => m.State == "launching"));

        Assert.InRange((await second.GetAsync("/api/explain")).Json.GetProperty("resident")[0].GetProperty("load_seconds").GetDouble(), 1, 60);
        gate.Open();
        Assert.Equal(200, (await asked).Status);
    }

    [Fact]
    public async Task Restart_OverAndOver_KeepsOneRunnerAndAKillEndsIt()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        await StopAsync(first);
        await using var second = await first.StartAnotherAsync(Models, Keep);
        await StopAsync(second);
        await using var third = await second.StartAnotherAsync(Models, Keep);
        Assert.Equal(pid, await LoadAsync(third, "one"));

        // It carries the mark of the first one, and yet the guard of the third knows it.
        third.Signal("KILL");

        await Gateway.GoneAsync(pid, Soon);
    }

    [Fact]
    public async Task Restart_OfAModelThatIsLaunchedInAnotherWayNow_LaunchesItAnew()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        await StopAsync(first);

        await using var second = await first.StartAnotherAsync(""" "one":{"Runner":"demo","Memory":"50MB","Args":["--token-delay","0.001"]} """, Stop);

        Assert.False(Gateway.IsAlive(pid)); // before it serves
        Assert.Empty(await second.RunningAsync());
        Assert.NotEqual(pid, await LoadAsync(second, "one"));
    }

    [Fact]
    public async Task Restart_AfterTheRunnerDied_LaunchesItAnew()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        await StopAsync(first);
        Kill(pid);
        await Gateway.GoneAsync(pid, Soon);

        await using var second = await first.StartAnotherAsync(Models, Stop);

        Assert.Empty(await second.RunningAsync());
        Assert.NotEqual(pid, await LoadAsync(second, "one"));
    }

    [Fact]
    public async Task AdoptedRunner_ThatDies_IsNoticedAndLaunchedAnew()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        await StopAsync(first);
        await using var second = await first.StartAnotherAsync(Models, Stop);
        Assert.Equal(pid, await LoadAsync(second, "one"));

        Kill(pid);
        await second.UntilRunningAsync(all => all.All(m => m.Pid != pid));

        Assert.NotEqual(pid, await LoadAsync(second, "one"));
    }

    [Fact]
    public async Task Killed_WithKeep_LeavesNobody()
    {
        await using var gateway = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(gateway, "one");

        gateway.Signal("KILL");

        await Gateway.GoneAsync(pid, Soon);
    }

    [Fact]
    public async Task TwoGateways_OverOneFolder_NeverTouchWhatTheOtherHas()
    {
        await using var first = await Gateway.StartAsync(Models, Keep);
        var pid = await LoadAsync(first, "one");
        await using var second = await first.StartAnotherAsync(Models, Keep);
        Assert.Empty(await second.RunningAsync());
        var other = await LoadAsync(second, "one");
        Assert.NotEqual(pid, other);

        await StopAsync(first);
        Assert.Equal(("one", "ready", other), Of(Assert.Single(await second.RunningAsync())));

        // It takes what the first one kept, and not what the second one has.
        await using var third = await first.StartAnotherAsync(Models, Stop);
        Assert.Equal(("one", "ready", pid), Of(Assert.Single(await third.RunningAsync())));
        Assert.Equal(200, (await second.ChatAsync("one")).Status);

        await StopAsync(third);
        await Gateway.GoneAsync(pid, Soon);
        Assert.True(Gateway.IsAlive(other));
        second.Signal("KILL");
        await Gateway.GoneAsync(other, Soon);
    }

    [Fact]
    public async Task Stop_WithKeep_EndsARunningStreamWellFormedAndKeepsItsRunner()
    {
        await using var first = await Gateway.StartAsync(""" "one":{"Runner":"demo","Memory":"50MB","Args":["--endless","--token-delay","0.01"]} """, Keep);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Gateway.ChatBody("one", "\"stream\":true"), System.Text.Encoding.UTF8, "application/json") };
        using var response = await first.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (!(await reader.ReadLineAsync(TestContext.Current.CancellationToken))!.Contains("\"content\":\"", StringComparison.Ordinal))
        {
            // What is said before the model is ready.
        }

        var pid = (await first.RunningAsync()).Single().Pid!.Value;

        first.Signal("TERM");
        var last = "";
        try
        {
            while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                last = line.Length > 0 ? line : last;
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // Without its last chunk, as a stream that was cut ought to be.
        }

        Assert.Contains("shutting_down", last, StringComparison.Ordinal);
        Assert.Equal(0, await first.ExitCodeAsync());
        await using var second = await first.StartAnotherAsync(""" "one":{"Runner":"demo","Memory":"50MB","Args":["--endless","--token-delay","0.01"]} """, Stop);
        Assert.Equal(("one", "ready", pid), Of(Assert.Single(await second.RunningAsync())));
    }

    private static (string, string, int) Of(RunningModel model) => (model.Model, model.State, model.Pid!.Value);

    private static async Task<int> LoadAsync(Gateway gateway, string model)
    {
        Assert.Equal(200, (await gateway.ChatAsync(model)).Status);
        return (await gateway.RunningAsync()).Single(m => m.Model == model).Pid!.Value;
    }

    private static async Task StopAsync(Gateway gateway)
    {
        gateway.Signal("TERM");
        Assert.Equal(0, await gateway.ExitCodeAsync());
    }

    private static void Kill(int pid)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-9", pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    // By what is written down of those that were kept.
    private static List<int> RunnersOf(Gateway gateway) =>
        [.. Directory.GetFiles(Path.Combine(gateway.StateFolder, "kept")).Select(file => JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("leader").GetProperty("pid").GetInt32())];
}
