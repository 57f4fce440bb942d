using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SpareCompanionTests : IAsyncDisposable
{
    private const string Waits = """read -r line || exit 73; echo '{"event": "taken"}'; port=$(printf %s "$line" | sed 's/.*"--port","\([0-9]*\)".*/\1/'); exec "$0" --port "$port" --model m""";

    private static readonly ByteSize Plenty = ByteSize.FromGigabytes(1);
    private static readonly TimeSpan ABitMore = TimeSpan.FromMilliseconds(10);

    private readonly Nursery _nursery = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly SpareCompanion _spares;
    private readonly RunnerLauncher _launcher;
    private string _stamp = "1";
    private string _waits = Waits;
    private bool _hasSpare = true;

    public SpareCompanionTests()
    {
        _spares = new SpareCompanion(_nursery.Children, _clock, NullLogger<SpareCompanion>.Instance);
        _launcher = _nursery.Launcher(_spares, new TestKind((_, port) => Plan(port)));
        _spares.Allow(Plenty);
    }

    public async ValueTask DisposeAsync()
    {
        await _spares.DisposeAsync();
        await _nursery.DisposeAsync();
    }

    [Fact]
    public async Task Launch_OneWaits_ItBecomesTheRunnerAndAnotherWillWait()
    {
        await ServeAsync();
        Assert.Null(_spares.Pid); // the first request is to have the machine for itself
        var waiting = Wait();
        var runner = await LaunchAsync();

        Assert.Equal(waiting, runner.Pid);
        Assert.Null(_spares.Pid);
        await runner.StopAsync();
        Assert.False(Lives(waiting));
        Assert.NotEqual(waiting, Wait());
    }

    [Fact]
    public async Task Launch_OneWaits_HasTheEnvironmentOfAnyOther()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux shows a process's environment.");
        var first = await LaunchAsync();
        var environment = EnvironmentOf(first.Pid);
        await first.StopAsync();
        Wait();
        var second = await LaunchAsync();

        Assert.Equal(environment, EnvironmentOf(second.Pid));
        Assert.Contains("KIND=of its own", environment);
    }

    [Fact]
    public async Task Launch_TheOneThatWaitsWasKilled_StartsAnother()
    {
        await ServeAsync();
        var waiting = Wait();
        Signals.SendToGroup(waiting, Signals.Kill);
        var runner = await LaunchAsync();

        Assert.NotEqual(waiting, runner.Pid);
    }

    [Fact]
    public async Task Launch_TheOneThatWaitsEndsWithoutHavingHeard_StartsAnother()
    {
        _waits = "read -r line; exit 1";
        await ServeAsync();
        var waiting = Wait();
        var runner = await LaunchAsync();

        Assert.NotEqual(waiting, runner.Pid);
    }

    [Fact]
    public async Task Launch_TheOneThatHasHeardFails_FailsAsAnyOther()
    {
        _waits = """read -r line; echo '{"event": "taken"}'; echo '{"event": "exit", "code": 70, "reason": "no such model"}'; exit 70""";
        await ServeAsync();
        Wait();
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(LaunchAsync);

        Assert.Contains("exit code 70: no such model", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("another stamp")]
    [InlineData("no spare")]
    public async Task Launch_NotWhatWaits_StartsAnother(string difference)
    {
        await ServeAsync();
        var waiting = Wait();
        (_stamp, _hasSpare) = difference == "no spare" ? (_stamp, false) : ("2", true);
        var runner = await LaunchAsync();

        Assert.NotEqual(waiting, runner.Pid);
        if (_hasSpare)
        {
            await GoneAsync(waiting);
            _clock.Advance(SpareCompanion.Quiet + ABitMore);
        }

        // Of another kind: that it waits on costs nothing but its memory.
        Assert.Equal(!_hasSpare, _spares.Pid == waiting);
    }

    [Fact]
    public async Task Launch_ThatNoneCouldHaveTaken_LeavesNoneWaiting()
    {
        _hasSpare = false;
        await ServeAsync();
        _clock.Advance(SpareCompanion.Quiet + ABitMore);

        Assert.Null(_spares.Pid);
    }

    [Fact]
    public async Task Launch_UnderWay_NoneIsStartedBesideIt()
    {
        await ServeAsync();
        _spares.LaunchBegins();
        _clock.Advance(SpareCompanion.Quiet * 5);
        Assert.Null(_spares.Pid);

        _spares.LaunchEnded(ready: null);
        Assert.NotEqual(0, Wait());
    }

    [Fact]
    public async Task Memory_Short_NoneWaitsUntilThereIsEnoughAgain()
    {
        await ServeAsync();
        _spares.Allow(new ByteSize(200L << 20));
        _clock.Advance(SpareCompanion.Quiet + ABitMore);
        Assert.Null(_spares.Pid);

        _spares.Allow(Plenty);
        _clock.Advance(ABitMore);
        var waiting = Assert.NotNull(_spares.Pid);
        _spares.Allow(new ByteSize(200L << 20));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(waiting, _spares.Pid);

        _spares.Allow(new ByteSize(-1));
        Assert.Equal(waiting, _spares.Pid); // the launch that took the memory may be about to take it too
        _clock.Advance(SpareCompanion.Breath + ABitMore);
        Assert.Null(_spares.Pid);
        await GoneAsync(waiting);
    }

    [Fact]
    public async Task Nobody_LaunchesForLong_ItIsGivenUp()
    {
        await ServeAsync();
        var waiting = Wait();
        _clock.Advance(SpareCompanion.Longest - (SpareCompanion.Quiet * 2));
        Assert.Equal(waiting, _spares.Pid);

        _clock.Advance(SpareCompanion.Quiet * 2);
        Assert.Null(_spares.Pid);
        await GoneAsync(waiting);
        _clock.Advance(SpareCompanion.Longest);
        Assert.Null(_spares.Pid);
    }

    [Fact]
    public async Task Gateway_Stops_NoneIsLeft()
    {
        await ServeAsync();
        var waiting = Wait();
        var logs = _nursery.In("state/logs");
        Assert.Single(Directory.EnumerateFiles(logs, "spare.*"));
        await _spares.DisposeAsync();

        Assert.False(Lives(waiting));
        Assert.Empty(Directory.EnumerateFiles(logs, "spare.*"));
        _clock.Advance(SpareCompanion.Longest);
        Assert.Null(_spares.Pid);
    }

    private static bool Lives(int pid) => Processes.Household.Lives(pid);

    private static Task GoneAsync(int pid) => Processes.Household.Until(() => !Lives(pid), $"process {pid} is gone");

    // Without the marks, and without what other tests put into this process meanwhile.
    private static List<string> EnvironmentOf(int pid) =>
        [.. Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/environ")).Split('\0').Where(v => !v.StartsWith("MLXGATEWAY_", StringComparison.Ordinal) && !v.StartsWith("MLXTEST_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private LaunchPlan Plan(int port)
    {
        var demo = TestKind.Demo(port);
        return demo with
        {
            Executable = "/bin/sh",
            Arguments = ["-c", """exec "$0" "$@" """, demo.Executable, .. demo.Arguments],
            Environment = new Dictionary<string, string> { ["KIND"] = "of its own" },
            Spare = _hasSpare ? new SpareStart(["-c", _waits, demo.Executable], demo.Arguments, _stamp) : null,
        };
    }

    private Task<IRunner> LaunchAsync() => _launcher.LaunchAsync(new ModelSpec { Id = "m", Runner = "test" }, LaunchShape.Free, 1, Nursery.Patience());

    private async Task ServeAsync() => await (await LaunchAsync()).StopAsync();

    // As long as it takes until one waits.
    private int Wait()
    {
        _clock.Advance(SpareCompanion.Quiet + ABitMore);
        return Assert.NotNull(_spares.Pid);
    }
}
