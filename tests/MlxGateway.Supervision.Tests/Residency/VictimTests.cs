using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// Who must leave: by value, not by age alone; and why, in words.
public sealed class VictimTests
{
    [Fact]
    public void LeaseRequested_TwoIdleModels_TheOneThatIsCheaperToLoadAgainLeaves()
    {
        var bench = new LedgerBench(12, ("slow", 6), ("quick", 6), ("new", 6));
        bench.Serve("slow", loadSeconds: 60);
        bench.Serve("quick", loadSeconds: 2);
        bench.Pass(100); // both idle as long, but for the 2 s of the second load

        Assert.Equal(["stop quick 1"], bench.Ask("new").Effects);
    }

    [Fact]
    public void LeaseRequested_TheExpensiveOneIsForgottenForLong_ItLeaves()
    {
        var bench = new LedgerBench(12, ("slow", 6), ("quick", 6), ("new", 6));
        bench.Options.IdleTimeout = TimeSpan.Zero;
        bench.Serve("slow", loadSeconds: 20);
        bench.Pass(3600);
        bench.Serve("quick", loadSeconds: 2);
        bench.Pass(10);

        Assert.Equal(["stop slow 1"], bench.Ask("new").Effects);
    }

    [Fact]
    public void LeaseRequested_OneLargeOrTwoSmallModels_CountsOnlyTheBytesThatHelp()
    {
        // Either the large one or both small ones must go; each small one costs half of the large one to load, and frees half.
        var bench = new LedgerBench(12, ("large", 6), ("small", 3), ("tiny", 3), ("new", 3));
        bench.Serve("large", loadSeconds: 10);
        bench.Serve("small", loadSeconds: 3);
        bench.Serve("tiny", loadSeconds: 3);
        bench.Pass(1000);

        Assert.Equal(["stop small 1"], bench.Ask("new").Effects);
    }

    [Fact]
    public void LeaseRequested_Priorities_TheLowerLeavesHoweverDearItIs()
    {
        var bench = new LedgerBench(12, ("dear", 6), ("cheap", 6), ("new", 6));
        bench.Change("cheap", s => s with { Priority = 1 });
        bench.Serve("dear", loadSeconds: 60);
        bench.Serve("cheap", loadSeconds: 1);
        bench.Pass(100);

        Assert.Equal(["stop dear 1"], bench.Ask("new").Effects);
    }

    [Fact]
    public void LeaseRequested_RivalIsIdle_LeavesAlthoughThereIsRoom()
    {
        var bench = new LedgerBench(100, ("a", 6), ("b", 6), ("other", 6));
        bench.Change("a", s => s with { Group = "gpu" });
        bench.Change("b", s => s with { Group = "gpu" });
        bench.Serve("other");
        bench.Serve("a");

        Assert.Equal(["stop a 1"], bench.Ask("b").Effects);
        Assert.Equal(["start b 1"], bench.Gone("a"));
    }

    [Fact]
    public void LeaseRequested_RivalIsNamedByOneSideOnly_LeavesAllTheSame()
    {
        var bench = new LedgerBench(100, ("a", 6), ("b", 6));
        bench.Change("a", s => s with { ExclusiveWith = ["b"] });
        bench.Serve("a");

        Assert.Equal(["stop a 1"], bench.Ask("b").Effects);
    }

    [Fact]
    public void LeaseRequested_RivalServes_IsGivenItsPatience()
    {
        var bench = new LedgerBench(100, ("a", 6), ("b", 6));
        bench.Change("a", s => s with { ExclusiveWith = ["b"] });
        bench.Ask("a");
        bench.Ready("a");

        Assert.Empty(bench.Ask("b").Effects);
        Assert.Empty(bench.PassAsWoken(5));
        Assert.Equal(["stop a 1"], bench.Release("a"));
        Assert.Equal(["start b 1"], bench.Gone("a"));
    }

    [Fact]
    public void LeaseRequested_Eviction_IsRecordedWithItsReason()
    {
        var bench = new LedgerBench(10, ("gemma", 3.4), ("qwen", 8));
        bench.Serve("gemma", loadSeconds: 2.1);
        bench.Pass(312);
        bench.Ask("qwen");

        var decision = Assert.Single(bench.Ledger.Decisions, d => d.Kind is DecisionKind.Evicted);
        Assert.Equal(("gemma", "qwen", "idle 312 s, reload 2.1 s, frees 3.40 GB for qwen"), (decision.Model, decision.For, decision.Reason));
    }

    [Fact]
    public void LeaseRequested_VictimIsBusyAndBothDoNotFit_ReadsTheNewcomersFilesAheadWithinWhatIsFree()
    {
        var bench = new LedgerBench(10, ("a", 6), ("b", 6));
        bench.Ask("a");
        bench.Ready("a");
        bench.Ask("b");
        Assert.Equal(["begin b 4.00 GB"], bench.ReadAhead);
        bench.PassAsWoken(5);
        bench.Release("a");
        Assert.Single(bench.ReadAhead);

        bench.Gone("a");
        Assert.Equal(["begin b 4.00 GB", "end b"], bench.ReadAhead);
    }

    [Fact]
    public void TicketAbandoned_FilesAreBeingReadAhead_IsEnded()
    {
        var bench = new LedgerBench(10, ("a", 6), ("b", 6));
        bench.Ask("a");
        bench.Ready("a");
        var asked = bench.Ask("b");
        bench.Abandon(asked.Ticket);

        Assert.Equal(["begin b 4.00 GB", "end b"], bench.ReadAhead);
    }

    [Fact]
    public void LeaseRequested_KeepAliveZero_LeavesWhenItsRequestIsOver()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Ask("a", new LeaseTerms { KeepAlive = TimeSpan.Zero });
        bench.Ready("a");

        Assert.Equal(["stop a 1"], bench.Release("a"));
    }

    [Fact]
    public void LaunchFailed_TwoHadGivenWayToIt_TheOneThatWasThereLastStays()
    {
        var bench = new LedgerBench(100, ("a", 6), ("b", 6), ("c", 6));
        bench.Options.MaxResident = 1;
        bench.Ask("a");
        bench.Ready("a");
        bench.Ask("b");
        Assert.Equal(["start b 1"], bench.PassAsWoken(5));
        bench.Ready("b");
        bench.Ask("c");
        Assert.Equal(["start c 1"], bench.PassAsWoken(5));
        bench.Ready("c");
        bench.Release("b");
        bench.Gone("b");
        bench.Ask("b");
        Assert.Equal(["start b 2"], bench.PassAsWoken(5));

        bench.FailLaunch("b");

        Assert.Equal((ResidentState.Draining, ResidentState.Ready), (bench["a"].State, bench["c"].State));
    }

    // The pool sets its alarm anew only when the version has changed.
    [Fact]
    public void LeaseRequested_SaysNothingAfterOneThatSaidForEver_TheAlarmIsSetAnew()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Ask("a", new LeaseTerms { KeepAlive = Timeout.InfiniteTimeSpan });
        bench.Ready("a");
        bench.Release("a");
        bench.AnswersReadings = false;
        var before = bench.Ledger.Version;

        bench.Ask("a");

        Assert.NotEqual(before, bench.Ledger.Version);
        Assert.Equal(bench.Now + TimeSpan.FromMinutes(30), bench.Ledger.NextWake);
    }

    // The alarm would go off again and again, for as long as the request takes.
    [Fact]
    public void NextWake_KeepAliveZeroAndBusy_IsNotNow()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Ask("a", new LeaseTerms { KeepAlive = TimeSpan.Zero });
        bench.Ready("a");

        Assert.Null(bench.Ledger.NextWake);
    }

    [Fact]
    public void LeaseRequested_KeepAliveForEver_StaysUntilARequestSaysNothing()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Ask("a", new LeaseTerms { KeepAlive = Timeout.InfiniteTimeSpan });
        bench.Ready("a");
        bench.Release("a");
        Assert.Empty(bench.PassAsWoken(7200));

        bench.Ask("a");
        bench.Release("a");
        Assert.Equal(["stop a 1"], bench.PassAsWoken(1800));
    }

    [Fact]
    public void LeaseRequested_OneClientAsksForMuchAndAnotherForLittle_TheyAreServedInTurns()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Change("a", s => s with { MaxConcurrency = 1 });
        bench.Ask("a");
        bench.Ready("a");
        var greedy = Enumerable.Range(0, 3).Select(_ => bench.Ask("a", new LeaseTerms { Client = "greedy" })).ToList();
        var modest = bench.Ask("a", new LeaseTerms { Client = "modest" });

        bench.Release("a");
        Assert.True(greedy[0].Ticket.Outcome.IsCompleted);
        bench.Release("a");
        Assert.True(modest.Ticket.Outcome.IsCompleted);
        bench.Release("a");
        Assert.True(greedy[1].Ticket.Outcome.IsCompleted);
    }
}
