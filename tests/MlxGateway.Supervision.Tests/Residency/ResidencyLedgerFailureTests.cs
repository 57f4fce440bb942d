using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// Launches that fail, runners that die, unloads, changed specifications, shutdown.
public sealed class ResidencyLedgerFailureTests
{
    [Fact]
    public void LaunchFailed_RefusesWaitersAndCoolsDownLongerEachTime()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        var first = bench.Ask("qwen");

        Assert.Equal(["refuse qwen LaunchFailed"], bench.FailLaunch("qwen", "no such file: weights.gguf"));
        Assert.Equal(TimeSpan.FromSeconds(10), first.Refusal.RetryAfter);
        Assert.Contains("no such file: weights.gguf", first.Refusal.Message, StringComparison.Ordinal);

        bench.Pass(4);
        var during = bench.Ask("qwen");
        Assert.Equal(["refuse qwen LaunchFailed"], during.Effects);
        Assert.Equal(TimeSpan.FromSeconds(6), during.Refusal.RetryAfter);
        Assert.Contains("no such file: weights.gguf", during.Refusal.Message, StringComparison.Ordinal);

        bench.Pass(6);
        var second = bench.Ask("qwen");
        Assert.Equal(["start qwen 2"], second.Effects);
        bench.FailLaunch("qwen");
        Assert.Equal(TimeSpan.FromSeconds(20), second.Refusal.RetryAfter);
    }

    [Fact]
    public void LaunchFailed_ManyTimes_NeverCoolsLongerThanFiveMinutes()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        for (var i = 0; i < 40; i++)
        {
            bench.Ask("qwen");
            bench.FailLaunch("qwen");
            Assert.InRange((bench["qwen"].CoolUntil!.Value - bench.Now).TotalSeconds, 10, 300);
            bench.Pass(300);
        }
    }

    // The end of a cooldown is a moment like any other.
    [Fact]
    public void NextWake_Cooling_IsTheEndOfTheCooldown()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.FailLaunch("qwen");

        Assert.Equal(bench.Now + TimeSpan.FromSeconds(10), bench.Ledger.NextWake);
        bench.PassAsWoken(10);
        Assert.Equal(ResidentState.Absent, bench["qwen"].State);
    }

    [Fact]
    public void LaunchFailed_AfterALaunchThatServed_StartsCountingAnew()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.FailLaunch("qwen");
        bench.Pass(10);
        bench.Serve("qwen");
        bench.Ask("gemma");
        bench.Gone("qwen");
        bench.Ready("gemma");
        bench.Release("gemma");

        bench.Ask("qwen");
        bench.Gone("gemma");
        bench.FailLaunch("qwen");

        Assert.Equal(TimeSpan.FromSeconds(10), bench["qwen"].CoolUntil - bench.Now);
    }

    [Fact]
    public void TimeElapsed_LaunchTakesTooLong_CancelsItAndRefusesWaiters()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Options.LaunchTimeout = TimeSpan.FromSeconds(90);
        var asked = bench.Ask("qwen");

        Assert.Empty(bench.PassAsWoken(89));
        Assert.Equal(["refuse qwen LaunchFailed", "stop qwen 1"], bench.PassAsWoken(1));
        Assert.Contains("did not become ready within 90 s", asked.Refusal.Message, StringComparison.Ordinal);

        // Readiness that comes too late is no news ...
        Assert.Empty(bench.Ready("qwen"));
        Assert.Equal(["refuse qwen LaunchFailed"], bench.Ask("qwen").Effects);
        bench.Gone("qwen");
        Assert.Equal(ResidentState.Cooling, bench["qwen"].State);

        // ... and the next try is made when the time has come.
        bench.Pass(10);
        Assert.Equal(["start qwen 2"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void RunnerExited_FirstCrashAfterHavingServed_RevokesAndServesWaitersAnew()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 1 });
        var running = bench.Ask("qwen");
        bench.Ready("qwen");
        var waiting = bench.Ask("qwen");

        Assert.Equal(["revoke qwen 1 RunnerGone", "stop qwen 1"], bench.Die("qwen"));
        Assert.Equal(RevocationReason.RunnerGone, running.Lease.Revocation.Reason);
        Assert.Equal(["start qwen 2"], bench.Gone("qwen"));
        Assert.Equal(["grant qwen 2"], bench.Ready("qwen"));
        Assert.Equal(2, waiting.Lease.Launch);
        Assert.False(waiting.Lease.Revocation.Token.IsCancellationRequested);
    }

    [Fact]
    public void RunnerHung_RevokesAndServesWaitersAnew()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 1 });
        var running = bench.Ask("qwen");
        bench.Ready("qwen");
        var waiting = bench.Ask("qwen");

        Assert.Equal(["revoke qwen 1 RunnerGone", "stop qwen 1"], bench.Hang("qwen"));
        Assert.Equal("it did not answer", running.Lease.Revocation.Detail);

        // Its end is no second death ...
        Assert.Empty(bench.Die("qwen"));
        Assert.Equal(["start qwen 2"], bench.Gone("qwen"));
        Assert.Equal(["grant qwen 2"], bench.Ready("qwen"));
        Assert.Equal(2, waiting.Lease.Launch);

        // ... and news of the first launch says nothing of the second.
        Assert.Empty(bench.Hang("qwen", launch: 1));
    }

    [Fact]
    public void RunnerHung_BeforeItIsReadyOrWhenItIsLeaving_IsNoNews()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        Assert.Empty(bench.Hang("qwen"));
        bench.Ready("qwen");
        bench.Release("qwen");
        bench.Unload("qwen", out _);
        Assert.Empty(bench.Hang("qwen"));
    }

    [Fact]
    public void RunnerExited_KilledForMemory_ComesAgainWithMoreWhenAllThatIsIdleHasLeft()
    {
        var bench = new LedgerBench(10, ("qwen", 4), ("idle", 2), ("busy", 1));
        bench.Serve("idle");
        bench.Ask("busy");
        bench.Ready("busy");
        bench.Ask("qwen");
        bench.Ready("qwen");
        Assert.Equal(["revoke qwen 1 RunnerGone", "stop qwen 1"], bench.DieForMemory("qwen"));
        var waiting = bench.Ask("qwen");
        Assert.Empty(waiting.Effects);

        // There would be room beside it, even so.
        Assert.Equal(["stop idle 1"], bench.Gone("qwen"));
        Assert.Equal(["start qwen 2"], bench.Gone("idle"));
        Assert.Equal(ByteSize.FromGigabytes(5), bench["qwen"].Need.Total);
        Assert.Contains("times 1.25 because the system killed it for memory", bench["qwen"].Need.Reason, StringComparison.Ordinal);
        Assert.Equal(["grant qwen 2"], bench.Ready("qwen"));
        Assert.Equal(ResidentState.Ready, bench["busy"].State);

        // The second one in a row is a failure like any other, and says so.
        bench.DieForMemory("qwen");
        var refused = bench.Ask("qwen");
        Assert.Equal(["refuse qwen LaunchFailed"], refused.Effects);
        Assert.Contains("the system killed it for memory", refused.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LaunchFailed_KilledForMemory_IsTriedOnceMoreForWhoeverWaits()
    {
        var bench = new LedgerBench(10, ("qwen", 4));
        var asked = bench.Ask("qwen");

        Assert.Equal(["start qwen 2"], bench.FailLaunchForMemory("qwen"));
        Assert.Equal(ByteSize.FromGigabytes(5), bench["qwen"].Need.Total);
        Assert.Equal(["refuse qwen LaunchFailed"], bench.FailLaunchForMemory("qwen"));
        Assert.Contains("the system killed it for memory", asked.Refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ResidentState.Cooling, bench["qwen"].State);
    }

    // 9 GB of 10: a quarter more would not fit, but that is a guess and no reason to refuse it for ever.
    [Fact]
    public void LaunchFailed_KilledForMemoryAndNoMoreCanBeHad_GetsAllThereIs()
    {
        var bench = new LedgerBench(10, ("qwen", 9));
        bench.Ask("qwen");

        Assert.Equal(["start qwen 2"], bench.FailLaunchForMemory("qwen"));
        Assert.Equal(ByteSize.FromGigabytes(10), bench["qwen"].Need.Total);
    }

    [Fact]
    public void Close_AfterItServedWithMore_IsCountedAsEstimatedAgain()
    {
        var bench = new LedgerBench(10, ("qwen", 4));
        bench.Ask("qwen");
        bench.FailLaunchForMemory("qwen");
        bench.Ready("qwen");
        bench.Release("qwen");
        bench.Unload("qwen", out _);
        bench.Gone("qwen");

        bench.Ask("qwen");
        Assert.Equal(ByteSize.FromGigabytes(4), bench["qwen"].Need.Total);
        Assert.Equal(["start qwen 4"], bench.FailLaunchForMemory("qwen"));
    }

    [Fact]
    public void RunnerExited_AgainAtTheNextRequest_CoolsDown()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Die("qwen");
        bench.Gone("qwen");
        bench.Ask("qwen");
        bench.Ready("qwen");

        // The client notices the end before we do: its lease that comes back is no sign of health.
        bench.Release("qwen");
        bench.Die("qwen");
        bench.Gone("qwen");

        var refused = bench.Ask("qwen");
        Assert.Equal(["refuse qwen LaunchFailed"], refused.Effects);
        Assert.Contains("SIGKILL", refused.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RunnerExited_AgainAfterALongHealthyTime_IsAFirstCrash()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Die("qwen");
        bench.Gone("qwen");
        bench.Serve("qwen");
        bench.Pass(60);
        bench.Die("qwen");
        bench.Gone("qwen");

        Assert.Equal(["start qwen 3"], bench.Ask("qwen").Effects);
    }

    // Law 5.
    [Fact]
    public void RunnerExited_NewsFromAnEarlierLaunch_IsIgnored()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Die("qwen");
        bench.Gone("qwen");
        bench.Ask("qwen");
        bench.Ready("qwen");

        Assert.Empty(bench.Die("qwen", launch: 1));
        Assert.Equal(["grant qwen 2"], bench.Ask("qwen").Effects);
    }

    // Law 7.
    [Fact]
    public void RunnerExited_AfterWeAskedItToStop_IsNotACrash()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Unload("qwen", out _);

        Assert.Empty(bench.Die("qwen"));
        Assert.Equal(ResidentState.Stopping, bench["qwen"].State);
        bench.Gone("qwen");

        Assert.Equal(["start qwen 2"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void UnloadRequested_BusyModel_DrainsAndCompletesWhenTheProcessIsGone()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");

        var done = bench.Unload("qwen", out var effects);
        Assert.Empty(effects);
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
        Assert.False(done.Task.IsCompleted);
        Assert.Equal(["unloaded"], bench.Gone("qwen"));
        Assert.True(done.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public void UnloadRequested_NotInMemory_CompletesAtOnce()
    {
        var bench = new LedgerBench(10, ("qwen", 6));

        bench.Unload("qwen", out var unknown);
        bench.Serve("qwen");
        bench.Unload("qwen", out _);
        bench.Gone("qwen");
        bench.Unload("qwen", out var absent);

        Assert.Equal(["unloaded"], unknown);
        Assert.Equal(["unloaded"], absent);
    }

    [Fact]
    public void UnloadRequested_WhileLaunching_CancelsItAndWaitersCauseANewLaunch()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");

        bench.Unload("qwen", out var effects);
        Assert.Equal(["stop qwen 1"], effects);
        Assert.Equal(["unloaded", "start qwen 2"], bench.Gone("qwen"));
        Assert.Equal(["grant qwen 2"], bench.Ready("qwen"));
    }

    [Fact]
    public void UnloadRequested_WhileItDrainsForANewcomer_LeavesEvenIfTheNewcomerGivesUp()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        var newcomer = bench.Ask("gemma");
        bench.Pass(5);
        bench.Unload("qwen", out _);
        bench.Abandon(newcomer.Ticket);

        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
    }

    [Fact]
    public void LeaseRequested_SpecificationChangedWhileReady_DrainsAndLaunchesTheNewOne()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        var running = bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Change("qwen", s => s with { Source = "another" });

        var asked = bench.Ask("qwen");
        Assert.Empty(asked.Effects);
        Assert.False(running.Lease.Revocation.Token.IsCancellationRequested);
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
        Assert.Equal(["start qwen 2"], bench.Gone("qwen"));
        bench.Ready("qwen");
        Assert.Equal("another", asked.Lease.Model.Source);
    }

    [Fact]
    public void LeaseRequested_EqualSpecificationOfANewerCatalog_ChangesNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Change("qwen", s => s with { });

        Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_RequestOfTheOldCatalogComesLate_IsServedByTheNewSpecification()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        var old = bench.Spec("qwen");
        bench.Change("qwen", s => s with { Source = "another" });
        bench.Ask("qwen");
        bench.Gone("qwen");
        bench.Ready("qwen");

        bench.Change("qwen", _ => old);
        var late = bench.Ask("qwen");

        Assert.Equal(["grant qwen 2"], late.Effects);
        Assert.Equal("another", late.Lease.Model.Source);
    }

    [Fact]
    public void LeaseRequested_SpecificationChangedWhileCooling_IsTriedAtOnce()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.FailLaunch("qwen");
        bench.Change("qwen", s => s with { Source = "corrected" });

        Assert.Equal(["start qwen 2"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_SpecificationChangedWhileLaunching_LaunchesAnewForEveryWaiter()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Change("qwen", s => s with { Source = "another" });

        Assert.Equal(["stop qwen 1"], bench.Ask("qwen").Effects);
        Assert.Equal(["start qwen 2"], bench.Gone("qwen"));
        Assert.Equal(["grant qwen 2", "grant qwen 2"], bench.Ready("qwen"));
    }

    [Fact]
    public void ShutdownRequested_RefusesQueuedAndNewRequestsAndLetsRunningOnesFinish()
    {
        var bench = new LedgerBench(20, ("qwen", 6), ("gemma", 6), ("phi", 6));
        var running = bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Serve("phi");
        bench.Ask("gemma");

        Assert.Equal(["stop phi 1", "refuse gemma ShuttingDown", "stop gemma 1"], bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(30))).Order(StringComparer.Ordinal).OrderBy(e => e.Split(' ')[1] != "phi"));
        var late = bench.Ask("qwen");
        Assert.Equal(["refuse qwen ShuttingDown"], late.Effects);
        Assert.InRange(late.Refusal.RetryAfter!.Value.TotalSeconds, 1, 60);
        bench.Gone("phi");
        bench.Gone("gemma");

        Assert.Empty(bench.PassAsWoken(29));
        Assert.Equal(["revoke qwen 1 ShuttingDown", "stop qwen 1"], bench.PassAsWoken(1));
        Assert.Equal(RevocationReason.ShuttingDown, running.Lease.Revocation.Reason);
        Assert.Equal(["CompleteShutdown"], bench.Gone("qwen"));
    }

    [Fact]
    public void ShutdownRequested_AgainWithLessPatience_EndsEarlier()
    {
        var bench = new LedgerBench(20, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Apply(new ShutdownRequested(TimeSpan.FromMinutes(5)));

        Assert.Equal(["revoke qwen 1 ShuttingDown", "stop qwen 1"], bench.Apply(new ShutdownRequested(TimeSpan.Zero)));
    }

    [Fact]
    public void ShutdownRequested_NothingInMemory_CompletesAtOnce() =>
        Assert.Equal(["CompleteShutdown"], new LedgerBench(20).Apply(new ShutdownRequested(TimeSpan.FromMinutes(5))));
}
