using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlxLmSpareTests(RealMlx real) : IClassFixture<RealMlx>
{
    private static readonly object[] Hi = [new { role = "user", content = "hi" }];

    public static TheoryData<string> Pythons => RealMlx.Pythons;

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Launch_AfterAnother_IsTakenByTheOneThatWaits(string python)
    {
        await using var nursery = new Nursery();
        var clock = new ManualTimeProvider();
        await using var spares = new SpareCompanion(nursery.Children, clock, NullLogger<SpareCompanion>.Instance);
        var engine = new MlxLmEngine(new EngineOptions { MlxLm = { Python = RealMlx.Need(python) } }, new PythonSearch(new PythonProbes(new EngineProbe(nursery.Children, TimeProvider.System))));
        var launcher = nursery.Launcher(spares, new MlxLm(engine));
        spares.Allow(ByteSize.FromGigabytes(1));
        var first = await launcher.LaunchAsync(Model(real.Model("tiny")), LaunchShape.Free, 1, Nursery.Patience());
        var environment = EnvironmentOf(first.Pid);
        await first.StopAsync();
        clock.Advance(SpareCompanion.Quiet * 2);
        var waiting = Assert.NotNull(spares.Pid);

        var second = await launcher.LaunchAsync(Model(real.Model("other")), LaunchShape.Free, 2, Nursery.Patience());
        Assert.Equal(waiting, second.Pid);
        Assert.Contains("Hello from other .", await AskAsync(second), StringComparison.Ordinal);
        Assert.Equal(environment, EnvironmentOf(second.Pid));
        Assert.Equal("/dev/null", File.ResolveLinkTarget($"/proc/{second.Pid}/fd/0", returnFinalTarget: false)?.FullName);
        await second.StopAsync();

        clock.Advance(SpareCompanion.Quiet * 2);
        waiting = Assert.NotNull(spares.Pid);
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => launcher.LaunchAsync(Model("/no/such/model"), LaunchShape.Free, 3, Nursery.Patience()));
        Assert.Contains("exit code 70", failed.Message, StringComparison.Ordinal);
        Assert.Contains("/no/such/model", failed.Message, StringComparison.Ordinal);
        Assert.False(Processes.Household.Lives(waiting));
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Spare_Told_EndsAsIfItHadBeenStartedSo(string python)
    {
        var port = new PortAllocator().Allocate();
        await using var stranger = new Stranger(port);
        await using var taken = await ToldAsync(python, "--model", real.Model("tiny"), "--port", $"{port}");
        await using var killed = await ToldAsync(python, "--model", real.Model("tiny"), "--port", "0");
        await using var left = CompanionProcess.Start(RealMlx.Need(python), "--spare");

        Assert.Equal(72, (await taken.EndAsync()).Code);
        await killed.EventAsync("loaded");
        using (await killed.AskAsync(new { messages = Hi, stop = new[] { 1 } }))
        {
            Assert.Equal(71, (await killed.EndAsync()).Code);
        }

        left.Input.Close();
        Assert.Equal((73, "standard input closed"), await left.EndAsync());
    }

    [Theory]
    [InlineData(true, null, null, true)]
    [InlineData(false, null, null, false)]
    [InlineData(true, "OMP_NUM_THREADS", null, false)]
    [InlineData(true, null, "/", false)]
    public async Task Plan_LikeAnyOtherOfItsKind_MayBeTakenByOneThatWaits(bool option, string? variable, string? folder, bool may)
    {
        await using var nursery = new Nursery();
        var python = nursery.Script("python3", """echo 'mlxgateway {"python": "3.12.1", "modules": {"mlx_lm": {"version": "0.31.3", "failure": null}}, "device": {}, "stamps": []}'""");
        var options = new EngineOptions { MlxLm = { Python = python, Spare = option } };
        var kind = new MlxLm(new MlxLmEngine(options, new PythonSearch(new PythonProbes(new EngineProbe(nursery.Children, TimeProvider.System)))));
        var model = Model("/models/a") with { WorkingDirectory = folder, Env = variable is null ? new ValueMap([]) : new ValueMap([new(variable, "1")]) };
        var plan = await kind.PlanAsync(model, LaunchShape.Free, 1234, Nursery.Patience());

        Assert.Equal(may, plan.Spare is not null);
        Assert.Null(plan.Fallback!.Plan.Spare);
        if (plan.Spare is { } spare)
        {
            Assert.Equal(plan.Arguments, spare.Arguments.Take(1).Concat(spare.Rest));
            Assert.Contains(python, spare.Stamp, StringComparison.Ordinal);
        }
    }

    private static ModelSpec Model(string path) => new() { Id = "org/tiny", Runner = "mlx_lm", Path = path };

    private static async Task<CompanionProcess> ToldAsync(string python, params string[] arguments)
    {
        var companion = CompanionProcess.Start(RealMlx.Need(python), "--spare");
        await companion.EventAsync("spare");
        await companion.Input.WriteLineAsync(JsonSerializer.Serialize(new { argv = arguments }).AsMemory(), Nursery.Patience());
        await companion.Input.FlushAsync(Nursery.Patience());
        await companion.EventAsync("taken");
        return companion;
    }

    private static async Task<string> AskAsync(IRunner runner)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(runner.Address, "/v1/chat/completions"))
        {
            Content = new StringContent(JsonSerializer.Serialize(new { model = runner.Manners.UpstreamModel, messages = Hi })),
        };
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());
        return await response.Content.ReadAsStringAsync(Nursery.Patience());
    }

    // Without the marks, and without what other tests put into this process meanwhile.
    private static List<string> EnvironmentOf(int pid) =>
        [.. Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/environ")).Split('\0').Where(v => !v.StartsWith("MLXGATEWAY_", StringComparison.Ordinal) && !v.StartsWith("MLXTEST_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
