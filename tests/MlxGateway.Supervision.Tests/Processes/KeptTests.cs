using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>That a child can outlive its gateway, belongs to one other afterwards, and ends as well there as it would have here.</summary>
public sealed class KeptTests : IAsyncLifetime
{
    /// <summary>Leaves group, session and parent, and ignores SIGTERM: only its mark tells whose it is.</summary>
    private const string WithAnEscapee = """
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.write(1, b'escaped %d\n' % os.getpid())
                time.sleep(1000)
            os._exit(0)
        os.wait()
        os.write(1, b'leader %d\n' % os.getpid())
        time.sleep(1000)
        """;

    private readonly Household _house = new();
    private readonly ChildProcesses _next;

    public KeptTests() => _next = Another();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var adopted in _next.AdoptKept())
        {
            await adopted.Child.StopAsync(TimeSpan.Zero); // of a test that failed
        }

        await _next.DisposeAsync();
        await _house.DisposeAsync();
    }

    [Fact]
    public async Task Keep_OutlivesItsGateway_AndIsTheNextOnes()
    {
        var child = _house.Shell("trap 'echo saved; exit 0' TERM; echo ready now; while :; do sleep 0.05; done");
        await Household.Said(child, "ready");

        Assert.True(child.Keep("a note"));
        Assert.False(child.Keep("again"));
        await child.StopAsync(TimeSpan.Zero); // is left alone
        await _house.Children.DisposeAsync();
        Assert.True(Household.Lives(child.Pid));
        Assert.Empty(_house.State.Records());

        var adopted = Assert.Single(_next.AdoptKept());
        Assert.Equal(("a note", child.Pid, child.StartedAt), (adopted.Note, adopted.Child.Pid, adopted.Child.StartedAt));
        Assert.Equal("now", await Household.Said(adopted.Child, "ready"));
        Assert.Empty(_house.State.KeptRecords());
        Assert.Equal(child.Pid, Assert.Single(Assert.Single(_house.State.Records()).Record.Children).Leader.Pid);

        await adopted.Child.StopAsync(Household.Long);
        Assert.False(Household.Lives(child.Pid));
        Assert.Equal("saved", adopted.Child.Output.Lines()[^1]);
        Assert.Empty(_house.State.Records());
        Assert.False(child.Exited.IsCompleted);
    }

    [Fact]
    public async Task Adopted_ThatDies_IsNoticed()
    {
        var child = _house.Start("/bin/sleep", ["1000"]);
        child.Keep("");
        var adopted = Assert.Single(_next.AdoptKept()).Child;
        Assert.False(adopted.Exited.IsCompleted);

        Signals.Send(child.Pid, Signals.Kill);

        await adopted.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        Assert.Empty(_house.State.Records());
    }

    [Fact]
    public async Task Adopted_Stopped_LeavesNobodyOfItsTree()
    {
        var child = _house.Python(WithAnEscapee);
        var escaped = await Household.SaidPid(child, "escaped");
        await Household.Said(child, "leader");
        child.Keep("");
        await _house.Children.DisposeAsync();
        Assert.True(Household.Lives(escaped));

        await Assert.Single(_next.AdoptKept()).Child.StopAsync(TimeSpan.FromSeconds(2));

        Assert.DoesNotContain(new[] { child.Pid, escaped }, Household.Lives);
    }

    [Fact]
    public async Task Adopted_KeptAgain_IsTheOneAfters()
    {
        var child = _house.Start("/bin/sleep", ["1000"]);
        child.Keep("first");
        await using var between = Another();
        Assert.True(Assert.Single(between.AdoptKept()).Child.Keep("second"));
        await between.DisposeAsync();

        Assert.Equal("second", Assert.Single(_next.AdoptKept()).Note);
        Assert.True(Household.Lives(child.Pid));
    }

    [Fact]
    public async Task Adopt_BySeveralAtOnce_GivesEachToOne()
    {
        var pids = Enumerable.Range(0, 6).Select(_ => _house.Start("/bin/sleep", ["1000"])).ToList();
        pids.ForEach(child => Assert.True(child.Keep("")));
        var takers = Enumerable.Range(0, 4).Select(_ => Another()).ToList();
        var adopted = new ConcurrentBag<int>();
        using var start = new Barrier(takers.Count);

        await Task.WhenAll(takers.Select(taker => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                foreach (var one in taker.AdoptKept())
                {
                    adopted.Add(one.Child.Pid);
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        Assert.Equal(pids.Select(child => child.Pid).Order(), adopted.Order());
        await Task.WhenAll(takers.Select(taker => taker.DisposeAsync().AsTask()));
        Assert.DoesNotContain(adopted, Household.Lives);
    }

    [Fact]
    public async Task Keep_OfAChildThatHasEnded_IsRefused()
    {
        var child = _house.Start("/bin/true", []);
        await child.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);

        Assert.False(child.Keep(""));
        Assert.Empty(_house.State.KeptRecords());
    }

    [Fact]
    public void Adopt_OfWhatALivingGatewayStillHas_LeavesItAlone()
    {
        var child = _house.Start("/bin/sleep", ["1000"]);
        _house.State.Write(Kept(Identity(child)));

        Assert.Empty(_next.AdoptKept());
        Assert.Single(_house.State.KeptRecords());
    }

    [Fact]
    public async Task Adopt_WhenTheNumberBelongsToAnotherProcessNow_TouchesNobody()
    {
        var innocent = _house.Start("/bin/sleep", ["1000"]);
        var identity = Identity(innocent);
        _house.State.Write(Kept(identity with { Start = identity.Start - 1 }));

        var adopted = Assert.Single(_next.AdoptKept()).Child;
        await adopted.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);

        Assert.True(Household.Lives(innocent.Pid));
    }

    [Fact]
    public void Adopt_FromAnotherProcessNamespaceOrBoot_TakesNothing()
    {
        var child = Identity(_house.Start("/bin/sleep", ["1000"]));
        var epoch = Household.Table.Epoch;
        _house.State.Write(Kept(child with { Start = 1 }) with { Mark = "elsewhere", Epoch = epoch with { Space = "pid:[1]" } });
        _house.State.Write(Kept(child with { Start = 1 }) with { Mark = "earlier", Epoch = epoch with { Boot = "another" } });

        Assert.Empty(_next.AdoptKept());

        Assert.Equal(["elsewhere"], _house.State.KeptRecords().Select(entry => entry.Record.Mark));
    }

    [Fact]
    public void Adopt_OfWhatAGatewayTookThatIsDeadNow_TakesItOver()
    {
        var child = _house.Start("/bin/sleep", ["1000"]);
        child.Keep("");
        var (path, _) = Assert.Single(_house.State.KeptRecords());
        File.Move(path, $"{path}.{Environment.ProcessId}-1"); // a number that is in use, but not of a process that started then

        Assert.Equal(child.Pid, Assert.Single(_next.AdoptKept()).Child.Pid);
        Assert.Empty(Directory.GetFiles(_house.State.Kept));
    }

    // A gateway that was killed while it stopped: what it had let go of carries its mark, and is not its own.
    [Fact]
    public async Task Reap_AfterAGatewayThatHadLetGoOfOne_EndsTheOthersOnly()
    {
        var kept = _house.Start("/bin/sleep", ["1000"]);
        var stray = _house.Start("/bin/sleep", ["1000"]);
        kept.Keep("");
        var record = Assert.Single(_house.State.Records()).Record;
        _house.State.Write(record with { Mark = record.Mark, Owner = record.Owner with { Start = 1 } });

        await new StrayProcesses(_house.State, Household.Table, TimeProvider.System, NullLogger<StrayProcesses>.Instance).ReapAsync(TestContext.Current.CancellationToken);

        Assert.True(Household.Lives(kept.Pid));
        Assert.False(Household.Lives(stray.Pid));
    }

    [Fact]
    public async Task Guard_ThatIsToldOfAKeepingAndAnAdoption_KnowsWhoseTheyAre()
    {
        using var guard = new Guard(_house.Children.Mark, TimeProvider.System, NullLogger<Guard>.Instance);
        var kept = _house.Start("/bin/sleep", ["1000"]);
        await using var other = Another();
        var adopted = other.Start(new ChildCommand { Label = "x", Executable = "sleep", Arguments = ["1000"], Environment = Household.Variables });
        guard.EnsureStarted();
        guard.Add(_house.Start("/bin/sleep", ["1000"]).Pid); // with nobody left it would go home
        guard.Add(kept.Pid);
        guard.LetGo(kept.Pid, MarkOf(kept));
        guard.Adopt(adopted.Pid, MarkOf(adopted));
        guard.Remove(adopted.Pid); // its mark is enough

        guard.Dispose();

        Assert.Equal(15, (await adopted.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken)).Signal);
        await Household.Until(() => !Household.Lives(guard.Pid ?? 0), "the guard has done its work");
        Assert.True(Household.Lives(kept.Pid));
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash")]
    public async Task Guard_InAnyShell_EndsItsOwnAndTheAdoptedAndSparesTheKept(string shell)
    {
        Assert.SkipUnless(File.Exists($"/bin/{shell}"), $"There is no {shell} here.");
        var own = _house.Start("/bin/sleep", ["1000"]);
        var kept = _house.Start("/bin/sleep", ["1000"]);
        await using var other = Another();
        var adopted = other.Start(new ChildCommand { Label = "x", Executable = "sleep", Arguments = ["1000"], Environment = Household.Variables });
        var given = other.Start(new ChildCommand { Label = "x", Executable = "sleep", Arguments = ["1000"], Environment = Household.Variables });
        using var reader = new StreamReader(typeof(Guard).Assembly.GetManifestResourceStream("guard.sh")!);
        using var guard = Process.Start(new ProcessStartInfo(shell, ["-c", await reader.ReadToEndAsync(TestContext.Current.CancellationToken)]) { RedirectStandardInput = true })!;
        foreach (var line in new[]
        {
            $"mark {_house.Children.Mark}", $"add {kept.Pid}", $"less {MarkOf(kept)}", $"del {kept.Pid}",
            $"with {MarkOf(adopted)}", $"with {MarkOf(given)}", $"less {MarkOf(given)}",
        })
        {
            await guard.StandardInput.WriteAsync(line + "\n");
        }

        guard.StandardInput.Close();
        await guard.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(15, (await own.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken)).Signal);
        Assert.Equal(15, (await adopted.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken)).Signal);
        Assert.True(Household.Lives(kept.Pid));
        Assert.True(Household.Lives(given.Pid));
    }

    private static string MarkOf(ChildProcess child) => child.Family.Mark;

    private static ProcessIdentity Identity(ChildProcess child) => Household.Table.Find(child.Pid)!.Value.Identity;

    private static KeptChild Kept(ProcessIdentity leader) => new("a-mark.1", Household.Table.Epoch, leader, DateTimeOffset.UnixEpoch, "model-1", "model-1.log", "");

    private ChildProcesses Another() => new(_house.State, Household.Table, TimeProvider.System, NullLoggerFactory.Instance);
}
