using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>That nothing of a child is left, whatever it did.</summary>
public sealed class EndTests : IAsyncLifetime
{
    /// <summary>Leaves the group, the session and the parent, and ignores SIGTERM; with "clean" as its argument it drops the marks as well.</summary>
    private const string Escape = """
        import os, signal, sys, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.write(1, b'escaped %d\n' % os.getpid())
                time.sleep(1000)
            time.sleep(float(sys.argv[1]))
            os._exit(0)
        """;

    private readonly Household _house = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Stop_OfAPoliteChild_LetsItFinish()
    {
        var child = _house.Shell("trap 'echo saved; exit 3' TERM; echo ready now; while :; do sleep 0.05; done");
        await Household.Said(child, "ready");

        await child.StopAsync(Household.Long);

        Assert.Equal(new ChildExit(3, null), await child.Exited);
        Assert.Equal("saved", child.Output.Lines()[^1]);
        Assert.Null(Household.Table.Find(child.Pid)); // reaped, not a zombie
    }

    [Fact]
    public async Task Stop_OfAChildThatIgnoresSigterm_IsDoneWithinTheGrace()
    {
        var clock = new ManualTimeProvider();
        var house = new Household(time: clock);
        try
        {
            var child = house.Shell("trap '' TERM; : > \"$1\"; while :; do sleep 0.05; done", Path.Combine(house.Folder, "ready"));
            await Household.Until(() => File.Exists(Path.Combine(house.Folder, "ready")), "it ignores the signal");

            var stopping = child.StopAsync(TimeSpan.FromSeconds(4));
            clock.Advance(TimeSpan.FromSeconds(3.4));
            Assert.True(Household.Lives(child.Pid));

            // Half a second before the end of the grace, and with no more of it than that.
            clock.Advance(TimeSpan.FromSeconds(0.1));
            await Household.Until(() => !Household.Lives(child.Pid), "it was killed");
            await PassAsync(clock, stopping);
            Assert.Equal(9, (await child.Exited).Signal);
        }
        finally
        {
            await PassAsync(clock, house.DisposeAsync().AsTask());
        }
    }

    // Lets time pass until something is over that waits for it now and then.
    private static async Task PassAsync(ManualTimeProvider clock, Task until)
    {
        while (!until.IsCompleted)
        {
            await Task.WhenAny(until, clock.TimerWithinAsync(TimeSpan.FromSeconds(10), CancellationToken.None));
            clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        await until;
    }

    [Fact]
    public async Task Stop_WithoutGrace_InsistsAtOnce()
    {
        var child = _house.Shell("trap 'sleep 1000' TERM; while :; do sleep 0.05; done");

        await child.StopAsync(TimeSpan.Zero);

        Assert.Equal(9, (await child.Exited).Signal);
    }

    [Fact]
    public async Task Stop_OfATreeOfSeveralGenerations_LeavesNone()
    {
        var child = _house.Shell("""
            sh -c 'trap "" TERM; sh -c "trap \"\" TERM; echo deep \$\$; while :; do sleep 0.05; done" & echo middle $$; wait; while :; do sleep 0.05; done' &
            wait
            """);
        var pids = new[] { child.Pid, await Household.SaidPid(child, "middle"), await Household.SaidPid(child, "deep") };

        await child.StopAsync(TimeSpan.FromSeconds(2));

        Assert.DoesNotContain(pids, Household.Lives);
    }

    [Fact]
    public async Task Stop_WhenWorkersOutliveTheLeader_GivesThemTheRestOfTheGrace()
    {
        var child = _house.Shell("""
            sh -c 'trap "sleep 0.5; echo written to disk; exit 0" TERM; echo ready now; while :; do sleep 0.05; done' &
            wait
            """);
        await Household.Said(child, "ready");

        await child.StopAsync(Household.Long);

        Assert.Equal(15, (await child.Exited).Signal);
        Assert.Contains("written to disk", child.Output.Lines());
    }

    [Theory]
    [InlineData("1000")] // its parent lives: it is a descendant
    [InlineData("0")] // its parent is gone: only the mark is left
    public async Task Stop_WhenAGrandchildLeftGroupAndSession_EndsItToo(string parentLives)
    {
        var child = _house.Python(Escape + "\ntime.sleep(1000)", parentLives);
        var escaped = await Household.SaidPid(child, "escaped");

        await child.StopAsync(TimeSpan.FromSeconds(2));

        Assert.False(Household.Lives(escaped));
    }

    [Fact]
    public async Task Stop_WhenAGrandchildBrokeEveryTieAfterItWasSeen_EndsItToo()
    {
        // It replaces itself by a program without any variable, once its group, session and parent are gone already.
        var child = _house.Python("""
            import os, sys, time
            r, w = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(1, b'escaped %d\n' % os.getpid())
                    while not os.path.exists(sys.argv[1]): time.sleep(0.02)
                    os.execve('/bin/sleep', ['sleep', '1000'], {})
                while not os.path.exists(sys.argv[1]): time.sleep(0.02)
                os._exit(0)
            time.sleep(1000)
            """, Path.Combine(_house.Folder, "go"));
        var escaped = await Household.SaidPid(child, "escaped");
        child.Family.Remember(Household.Table.All()); // what is done every five seconds
        await File.WriteAllTextAsync(Path.Combine(_house.Folder, "go"), "", TestContext.Current.CancellationToken);
        await Household.Until(() => Household.Table.Find(escaped) is { } now && now.Parent == Environment.ProcessId, "it was adopted");
        await Household.Until(() => !Household.Table.HasVariable(escaped, "MLXGATEWAY_MARK", _house.Children.Mark), "it dropped the mark");

        await child.StopAsync(TimeSpan.FromSeconds(2));

        Assert.False(Household.Lives(escaped));
    }

    [Fact]
    public async Task Exit_ByItself_TakesItsLeftoversWithIt()
    {
        var go = Path.Combine(_house.Folder, "go");
        var child = _house.Python(Escape + "\nif os.fork() == 0:\n  os.write(1, b'worker %d\\n' % os.getpid())\n  time.sleep(1000)\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.02)\nos._exit(5)", "0", go);
        var escaped = await Household.SaidPid(child, "escaped");
        var worker = await Household.SaidPid(child, "worker");
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken); // both are there

        var exit = await child.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);

        Assert.Equal(5, exit.Code);
        Assert.False(Household.Lives(escaped));
        Assert.False(Household.Lives(worker));
    }

    [Fact]
    public async Task Stop_OfOneChild_LeavesItsSisterAlone()
    {
        var sister = _house.Python(Escape + "\ntime.sleep(1000)", "0");
        var child = _house.Python(Escape + "\ntime.sleep(1000)", "0");
        var escaped = await Household.SaidPid(sister, "escaped");
        await Household.SaidPid(child, "escaped");

        await child.StopAsync(TimeSpan.Zero);

        Assert.True(Household.Lives(sister.Pid));
        Assert.True(Household.Lives(escaped));
        Assert.False(sister.Exited.IsCompleted);
    }

    [Fact]
    public async Task Stop_ByManyAtOnceAndAgain_IsDoneOnceAndTheShortestGraceCounts()
    {
        var child = _house.Shell("trap '' TERM; echo ready now; while :; do sleep 0.05; done");
        await Household.Said(child, "ready");
        var patient = child.StopAsync(TimeSpan.FromHours(1));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => child.StopAsync(TimeSpan.FromMilliseconds(200)))));
        await patient.WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        await child.StopAsync(TimeSpan.MaxValue);

        Assert.Equal(9, (await child.Exited).Signal);
    }

    [Fact]
    public async Task Orphans_ThatDie_AreReaped()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux gives them to us");
        var child = _house.Python("""
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(1, b'orphan %d\n' % os.getpid())
                    time.sleep(0.5)
                    os._exit(0)
                os._exit(0)
            time.sleep(1000)
            """);
        var orphan = await Household.SaidPid(child, "orphan");
        await Household.Until(() => Household.Table.Find(orphan) is null, "the dead orphan is reaped");

        Assert.True(Household.Lives(child.Pid));
    }

    [Fact]
    public async Task Dispose_StopsWhatStillRunsAndSendsTheGuardHome()
    {
        var house = new Household();
        var child = house.Shell("exec sleep 1000");
        var guard = house.Children.Guard.Pid!.Value;

        await house.DisposeAsync();

        Assert.True(child.Exited.IsCompleted);
        await Household.Until(() => !Household.Lives(guard), "the guard is gone");
        Assert.Throws<ObjectDisposedException>(() => house.Shell("exit 0"));
    }
}
