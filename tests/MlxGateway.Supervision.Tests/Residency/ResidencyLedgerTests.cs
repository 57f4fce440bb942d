using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// Coming in, being served, leaving. No threads, no processes, no sleeping.
public sealed class ResidencyLedgerTests
{
    [Fact]
    public void LeaseRequested_ModelAbsentAndFits_StartsRunner()
    {
        var bench = new LedgerBench(10, ("qwen", 6));

        Assert.Equal(["start qwen 1"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_WhileLaunching_JoinsTheSameLaunch()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");

        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Equal(["grant qwen 1", "grant qwen 1"], bench.Ready("qwen"));
    }

    [Fact]
    public void LeaseRequested_IdleModelInTheWay_StopsItThenStartsNewcomer()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    // Law 4.
    [Fact]
    public void RunnerStopped_NotYet_KeepsTheMemoryCounted()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Ask("gemma");

        Assert.Empty(bench.Pass(60));
        Assert.Equal(ResidentState.Stopping, bench["qwen"].State);
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    // Law 3.
    [Fact]
    public void LeaseRequested_BusyModelInTheWay_WaitsForPatienceThenDrains()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        Assert.Empty(bench.Ask("gemma").Effects);

        // Before patience is over the busy model still takes new requests ...
        Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
        Assert.Empty(bench.Pass(4.9));

        // ... and afterwards it does not.
        Assert.Empty(bench.PassAsWoken(0.1));
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Empty(bench.Release("qwen"));
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
    }

    [Fact]
    public void LeaseRequested_YoungerTicketNeedsRoomToo_WaitsForTheOlderOne()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6), ("phi", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        bench.Ask("gemma");
        bench.Pass(1);
        bench.Ask("phi");
        bench.Pass(4);

        bench.Release("qwen");
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    // Law 1. Granted, not finished: an endless first stream does not make a model immortal.
    [Fact]
    public void LeaseRequested_VictimIsBusyWithItsFirstRequest_DrainsAfterPatience()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Ask("gemma");

        bench.Pass(5);

        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
    }

    // Law 1.
    [Fact]
    public void LaunchSucceeded_AnOlderTicketWantsThePlace_GrantsItsOwnCallersFirst()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("gemma");
        bench.Ask("gemma");
        bench.Ask("qwen");
        bench.Pass(6);
        bench.Ask("gemma");
        bench.Release("gemma");
        Assert.Equal(["start qwen 1"], bench.Gone("gemma"));
        bench.Pass(60);

        Assert.Equal(["grant qwen 1"], bench.Ready("qwen"));
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
        Assert.Equal(["start gemma 2"], bench.Gone("qwen"));
    }

    // Law 1.
    [Fact]
    public void LeaseRequested_TheOtherIsStillLaunching_LeavesItAlone()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Ask("gemma");

        Assert.Empty(bench.Pass(120));
        Assert.Equal(ResidentState.Launching, bench["qwen"].State);
    }

    [Fact]
    public void LeaseRequested_ReadyModelWhoseCallerLeft_IsEvictedForTheNextInLine()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Abandon(bench.Ask("qwen").Ticket);
        bench.Ready("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    // Law 9.
    [Fact]
    public void TicketAbandoned_WhileItsModelLoads_LetsTheLoadGoOnAndKeepsTheModelForItsIdleTime()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        Assert.Empty(bench.Abandon(bench.Ask("qwen").Ticket));
        Assert.Empty(bench.Ready("qwen"));

        Assert.Empty(bench.PassAsWoken(29 * 60));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(60));
    }

    // Law 2.
    [Fact]
    public void LeaseRequested_OneVictimIdleOtherBusy_EvictsAllOrNone()
    {
        var bench = new LedgerBench(10, ("small", 3), ("qwen", 6), ("large", 8));
        bench.Serve("small");
        bench.Serve("qwen");
        bench.Ask("qwen");

        Assert.Empty(bench.Ask("large").Effects);
        Assert.Equal(ResidentState.Ready, bench["small"].State);

        // Chosen together, gone together.
        Assert.Empty(bench.Pass(5));
        Assert.Equal(ResidentState.Draining, bench["small"].State);
        Assert.Equal(["stop small 1", "stop qwen 1"], bench.Release("qwen"));
        Assert.Empty(bench.Gone("small"));
        Assert.Equal(["start large 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void LeaseRequested_ALargerVictimIsEnough_SparesTheSmallOne()
    {
        var bench = new LedgerBench(10, ("small", 2), ("qwen", 6), ("large", 7));
        bench.Serve("small");
        bench.Pass(1);
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("large").Effects);
        Assert.Equal(["start large 1"], bench.Gone("qwen"));
        Assert.Equal(ResidentState.Ready, bench["small"].State);
    }

    // Law 3: a swap for nobody.
    [Fact]
    public void TicketAbandoned_ItsVictimsAreDraining_AreReadyAgainAndServeWhoWaits()
    {
        var bench = new LedgerBench(10, ("small", 3), ("qwen", 6), ("large", 8));
        bench.Serve("small");
        bench.Serve("qwen");
        bench.Ask("qwen");
        var large = bench.Ask("large");
        bench.Pass(5);
        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Empty(bench.Ask("small").Effects);

        Assert.Equal(["grant small 1", "grant qwen 1"], bench.Abandon(large.Ticket).Order(StringComparer.Ordinal).Reverse());
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
    }

    [Fact]
    public void TicketAbandoned_AnotherOfTheSameModelWaitsSinceShortly_TheVictimStaysForItsOwnPatience()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        var first = bench.Ask("gemma");
        bench.Pass(5);
        bench.Ask("gemma");
        bench.Abandon(first.Ticket);
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);

        bench.PassAsWoken(4.9);
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
        bench.PassAsWoken(0.1);
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
    }

    [Fact]
    public void TicketAbandoned_AnotherOfTheSameModelHasWaitedAsLong_TheSwapGoesOn()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        var first = bench.Ask("gemma");
        bench.Ask("gemma");
        bench.Pass(5);

        Assert.Empty(bench.Abandon(first.Ticket));
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
    }

    // Whoever waits longer for the victim itself must not take the room back.
    [Fact]
    public void RunnerStopped_TheVictimHasOlderTicketsThanTheNewcomer_TheNewcomerGetsTheRoom()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 1 });
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Ask("qwen");
        bench.Pass(1);
        bench.Ask("gemma");
        bench.Pass(5);

        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
        Assert.Equal(["grant gemma 1"], bench.Ready("gemma"));
    }

    [Fact]
    public void TimeElapsed_DrainTimeIsOver_RevokesTheLeasesAndThenStops()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        var endless = bench.Ask("qwen");
        bench.Ask("gemma");
        bench.PassAsWoken(5);
        Assert.Empty(bench.PassAsWoken((10 * 60) - 1));
        Assert.False(endless.Lease.Revocation.Token.IsCancellationRequested);

        Assert.Equal(["revoke qwen 1 Evicted", "stop qwen 1"], bench.PassAsWoken(1));

        Assert.Equal(RevocationReason.Evicted, endless.Lease.Revocation.Reason);
        Assert.Empty(bench.Release("qwen"));
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void TimeElapsed_DrainTimeIsOverForTheLastBusyVictim_OneThatWasAddedLaterLeavesInTheSameMoment()
    {
        var bench = new LedgerBench(12, ("idle", 3), ("busy", 4), ("qwen", 4));
        bench.Change("qwen", spec => spec with { ExclusiveWith = ["busy"] });
        bench.Serve("idle");
        bench.Ask("busy");
        bench.Ready("busy");
        bench.Ask("qwen");
        bench.PassAsWoken(10);
        bench.Usable = 6; // now the idle one must leave as well, together with the busy one
        bench.PassAsWoken(bench.Options.DrainTimeout.TotalSeconds - 5.5);
        Assert.Equal(ResidentState.Draining, bench["idle"].State);
        bench.AnswersReadings = false; // they would be an event of their own

        Assert.Equal(["revoke busy 1 Evicted", "stop busy 1", "stop idle 1"], bench.PassAsWoken(0.5));
    }

    [Fact]
    public void LeaseRequested_QueueIsFull_IsRefusedWithRetryAdvice()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Options.QueueLimit = 2;
        bench.Ask("qwen");
        bench.Ask("qwen");

        var third = bench.Ask("qwen");

        Assert.Equal(["refuse qwen QueueFull"], third.Effects);
        Assert.InRange(third.Refusal.RetryAfter!.Value.TotalSeconds, 1, 60);
    }

    [Fact]
    public void LeaseRequested_QueueIsFullButModelIsReady_IsGranted()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.QueueLimit = 1;
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Ask("gemma");

        Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_MaxConcurrencyReached_WaitsInOrderOfArrival()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 2 });
        var asked = Enumerable.Range(0, 4).Select(_ => bench.Ask("qwen")).ToList();

        Assert.Equal(["grant qwen 1", "grant qwen 1"], bench.Ready("qwen"));
        Assert.False(asked[2].Ticket.Outcome.IsCompleted);
        Assert.Equal(["grant qwen 1"], bench.Release("qwen"));
        Assert.True(asked[2].Ticket.Outcome.IsCompleted);
        Assert.False(asked[3].Ticket.Outcome.IsCompleted);
    }

    [Fact]
    public void TimeElapsed_IdleTimeoutReached_StopsRunner()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");

        Assert.Empty(bench.PassAsWoken((30 * 60) - 1));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(1));
    }

    [Fact]
    public void TimeElapsed_ModelHasAnIdleTimeOfItsOwnOrNone_KeepsIt()
    {
        var bench = new LedgerBench(20, ("brief", 6), ("forever", 6), ("pinned", 6));
        bench.Change("brief", s => s with { IdleTimeout = TimeSpan.FromMinutes(1) });
        bench.Change("forever", s => s with { IdleTimeout = TimeSpan.Zero });
        bench.Change("pinned", s => s with { Pinned = true, IdleTimeout = TimeSpan.FromMinutes(1) });
        bench.Serve("brief");
        bench.Serve("forever");
        bench.Serve("pinned");

        Assert.Equal(["stop brief 1"], bench.PassAsWoken(3600 * 24));
    }

    [Fact]
    public void TimeElapsed_BusyWhenTheAlarmWasSet_StillIdlesOutInTime()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        var alarm = bench.Ledger.NextWake;
        var version = bench.Ledger.Version;

        bench.Release("qwen");

        // A lease that comes back changes no version, so the alarm that was set before must be early enough.
        Assert.Equal(version, bench.Ledger.Version);
        Assert.True(alarm <= bench.Now + TimeSpan.FromMinutes(30));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(30 * 60));
    }

    [Fact]
    public void LaunchSucceeded_TellsHowMuchOfTheWaitWasTheLoad()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        var early = bench.Ask("gemma");
        bench.Pass(5);
        bench.Pass(2);
        bench.Release("qwen");
        bench.Gone("qwen");
        bench.Pass(1);
        var late = bench.Ask("gemma");
        bench.Pass(3);
        bench.Ready("gemma");

        Assert.Equal((7, 4), (early.Lease.Queued.TotalSeconds, early.Lease.Loading.TotalSeconds));
        Assert.Equal((0, 3), (late.Lease.Queued.TotalSeconds, late.Lease.Loading.TotalSeconds));
    }

    [Fact]
    public void MaxResident_OneAndBothFit_LaunchesTheNewcomerWhileTheOldOneIsBeingStopped()
    {
        var bench = new LedgerBench(100, ("qwen", 6), ("gemma", 6));
        bench.Options.MaxResident = 1;
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1", "start gemma 1"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void MaxResident_OneAndBothFit_LaunchesTheNewcomerWhileTheOldOneStillDrainsWhichMustLeaveThen()
    {
        var bench = new LedgerBench(100, ("qwen", 6), ("gemma", 6));
        bench.Options.MaxResident = 1;
        bench.Ask("qwen");
        bench.Ready("qwen");
        var asked = bench.Ask("gemma");

        Assert.Equal(["start gemma 1"], bench.PassAsWoken(5));
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
        Assert.Empty(bench.Abandon(asked.Ticket));
        Assert.Empty(bench.Ready("gemma"));
        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
    }

    [Fact]
    public void MaxResident_OneAndOnlyOneFits_WaitsUntilTheOldOneIsGone()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.MaxResident = 1;
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    // Law 12.
    [Fact]
    public void MaxResident_PinnedModels_DoNotCountButTheirBytesDo()
    {
        var bench = new LedgerBench(14, ("pinned", 4), ("qwen", 6), ("gemma", 6), ("large", 11));
        bench.Options.MaxResident = 1;
        bench.Change("pinned", s => s with { Pinned = true });
        bench.Serve("pinned");

        Assert.Equal(["start qwen 1"], bench.Ask("qwen").Effects);
        bench.Ready("qwen");
        bench.Release("qwen");
        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
        Assert.Equal(["refuse large InsufficientMemory"], bench.Ask("large").Effects);
    }

    [Fact]
    public void LeaseRequested_PinnedModelIdlesInTheWay_EvictsAnotherAndCountsItsBytes()
    {
        var bench = new LedgerBench(12, ("pinned", 4), ("qwen", 6), ("gemma", 6));
        bench.Change("pinned", s => s with { Pinned = true });
        bench.Serve("pinned");
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
        Assert.Equal(["start gemma 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void MaxResident_APinnedNewcomer_NeedsNoPlace()
    {
        var bench = new LedgerBench(14, ("pinned", 4), ("qwen", 6));
        bench.Options.MaxResident = 1;
        bench.Change("pinned", s => s with { Pinned = true });
        bench.Serve("qwen");

        Assert.Equal(["start pinned 1"], bench.Ask("pinned").Effects);
    }

    // Law 10: the caller saw it ready, so nobody worked out what it needs; meanwhile it is gone.
    [Fact]
    public void LeaseRequested_SeenReadyButGoneMeanwhile_IsLaunchedWithTheNeedKnownBefore()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");
        bench.Unload("qwen", out _);
        bench.Gone("qwen");

        Assert.Equal(["start qwen 2"], bench.Apply(new LeaseRequested(new LeaseTicket(bench.Spec("qwen"), null, LeaseTerms.Person, bench.Now))));
        Assert.Equal(bench.Need("qwen"), bench["qwen"].Need);
    }

    [Fact]
    public void LeaseRequested_TheEstimateHasChanged_CountsWithTheNewOneFromTheNextLaunchOn()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Estimate("qwen", 7);
        bench.Ask("qwen");
        Assert.Equal(6, bench["qwen"].Need.Total.Bytes >> 30);
        bench.Release("qwen");
        bench.Unload("qwen", out _);
        bench.Gone("qwen");

        bench.Ask("qwen");
        Assert.Equal(7, bench["qwen"].Need.Total.Bytes >> 30);
    }

    [Fact]
    public void LeaseReleased_OfAnEarlierLaunch_IsIgnored()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Unload("qwen", out _);
        bench.Release("qwen");
        bench.Gone("qwen");
        bench.Ask("qwen");
        bench.Ready("qwen");

        bench.Apply(new LeaseReleased("qwen", 1, new Revocation()));

        Assert.Equal(1, bench["qwen"].Leases);
    }
}
