using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>That a gateway which is killed takes its children with it: by the guard, and if that was killed too, by the next gateway.</summary>
public sealed class AbandonedTests : IAsyncLifetime
{
    private readonly Household _house = new();

    private StrayProcesses Strays => new(_house.State, Household.Table, TimeProvider.System, NullLogger<StrayProcesses>.Instance);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Gateway_Killed_IsFollowedByItsChildren()
    {
        await using var gateway = await GatewayDouble.StartAsync(_house.Folder);
        Assert.All(gateway.Pids, pid => Assert.True(Household.Lives(pid)));

        gateway.Kill();

        await Household.Until(() => !gateway.Pids.Any(Household.Lives), "its children are gone");
        await Household.Until(() => !Household.Lives(gateway.Guard), "its guard is gone");
    }

    [Fact]
    public async Task Guard_Killed_IsReplacedByOneThatKnowsAll()
    {
        // Without a mark it could only know the group.
        var child = _house.Start("/usr/bin/env", ["-i", "/bin/sleep", "1000"]);
        var guard = _house.Children.Guard;
        var first = guard.Pid!.Value;

        Signals.Send(first, Signals.Kill);
        await Household.Until(() => guard.Pid is { } second && second != first, "another guard is there");
        guard.Dispose(); // its pipe ends while a child runs, as when we are killed

        var exit = await child.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        Assert.Equal(15, exit.Signal);
    }

    [Fact]
    public async Task Guard_ThatIsToldOfAnEnd_LeavesThatGroupAlone()
    {
        using var guard = new Guard("nobody", TimeProvider.System, NullLogger<Guard>.Instance);
        var ended = _house.Start("/bin/sleep", ["1000"]);
        var running = _house.Start("/bin/sleep", ["1000"]);
        guard.EnsureStarted();
        guard.Add(running.Pid);
        guard.Add(ended.Pid);
        guard.Remove(ended.Pid);

        guard.Dispose();

        Assert.Equal(15, (await running.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken)).Signal);
        await Household.Until(() => !Household.Lives(guard.Pid ?? 0), "the guard has done its work");
        Assert.True(Household.Lives(ended.Pid));
    }

    [Fact]
    public async Task Reap_AfterAGatewayThatWasKilledWithItsGuard_EndsWhatItLeft()
    {
        await using var gateway = await GatewayDouble.StartAsync(_house.Folder);
        Signals.Send(gateway.Pid, 19); // stopped, so that it cannot replace the guard
        Signals.Send(gateway.Guard, Signals.Kill);
        gateway.Kill();
        await Household.Until(() => !Household.Lives(gateway.Pid) && !Household.Lives(gateway.Guard), "both are dead");
        Assert.All(gateway.Pids, pid => Assert.True(Household.Lives(pid)));

        var count = await Strays.ReapAsync(TestContext.Current.CancellationToken);

        Assert.InRange(count, 4, 6); // a shell may have a sleep of its own
        Assert.DoesNotContain(gateway.Pids, Household.Lives);
        Assert.Empty(_house.State.Records());
    }

    [Fact]
    public async Task Reap_WhileTheOwnerLives_LeavesItsChildrenAlone()
    {
        await using var gateway = await GatewayDouble.StartAsync(_house.Folder);

        Assert.Equal(0, await Strays.ReapAsync(TestContext.Current.CancellationToken));

        Assert.All(gateway.Pids, pid => Assert.True(Household.Lives(pid)));
        Assert.Single(_house.State.Records());
    }

    [Fact]
    public async Task Reap_WhenTheNumberBelongsToAnotherProcessNow_LeavesItAlone()
    {
        var innocent = Innocent(out var identity);
        _house.State.Write(Record(identity with { Start = identity.Start - 1 }));

        Assert.Equal(0, await Strays.ReapAsync(TestContext.Current.CancellationToken));

        Assert.True(Household.Lives(innocent.Pid));
        Assert.Empty(_house.State.Records());
    }

    [Fact]
    public async Task Reap_WhenNumberAndStartAreThose_EndsIt()
    {
        var stray = Innocent(out var identity);
        _house.State.Write(Record(identity));

        Assert.Equal(1, await Strays.ReapAsync(TestContext.Current.CancellationToken));

        Assert.False(Household.Lives(stray.Pid));
    }

    [Fact]
    public async Task Reap_OfARecordFromAnotherProcessNamespaceOrBoot_TouchesNothing()
    {
        var innocent = Innocent(out var identity);
        var epoch = Household.Table.Epoch;
        _house.State.Write(Record(identity) with { Mark = "elsewhere", Epoch = epoch with { Space = "pid:[1]" } });
        _house.State.Write(Record(identity) with { Mark = "earlier", Epoch = epoch with { Boot = "another" } });

        Assert.Equal(0, await Strays.ReapAsync(TestContext.Current.CancellationToken));

        Assert.True(Household.Lives(innocent.Pid));
        Assert.Equal(["elsewhere"], _house.State.Records().Select(entry => entry.Record.Mark));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"mark\":\"x\"}")]
    public async Task Reap_OfARecordThatNobodyCanRead_PassesItOver(string content)
    {
        var innocent = Innocent(out var identity);
        _house.State.Write(Record(identity with { Start = 1 }));
        await File.WriteAllTextAsync(Path.Combine(_house.Folder, "gateways", "torn.json"), content, TestContext.Current.CancellationToken);

        Assert.Equal(0, await Strays.ReapAsync(TestContext.Current.CancellationToken));

        Assert.True(Household.Lives(innocent.Pid));
    }

    /// <summary>A process that this household supervises, but whose record says nothing of it.</summary>
    private ChildProcess Innocent(out ProcessIdentity identity)
    {
        var other = _house.Start("/bin/sleep", ["1000"]);
        identity = Household.Table.Find(other.Pid)!.Value.Identity;
        var own = _house.State.Records().Single();
        File.Delete(own.Path);
        return other;
    }

    /// <summary>What a gateway that is dead now would have written. Its number is that of a living process, which started at another time.</summary>
    private static GatewayRecord Record(ProcessIdentity child) =>
        new("a-dead-gateway", Household.Table.Epoch, new ProcessIdentity(Environment.ProcessId, 1), [new ChildRecord(child, "model-1", "model-1.log")]);
}
