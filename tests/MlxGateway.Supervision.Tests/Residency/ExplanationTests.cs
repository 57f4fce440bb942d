using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// What is said of the present is looked at while it is so: who waits for whom, and for how long.
public sealed class ExplanationTests
{
    [Fact]
    public void Explain_TwoWaitForTheRoomOfABusyModel_TheSecondWaitsForTheFirst()
    {
        var bench = Bench();
        bench.Ask("a");
        bench.Ready("a");
        bench.Ask("b");
        bench.Pass(1);
        bench.Ask("c");

        Assert.Equal("it needs the room of a, which serves", Wait(bench, "b").Why);
        Assert.Equal(bench.Now + TimeSpan.FromSeconds(4), Wait(bench, "b").Until);
        Assert.Equal("b comes first, which has been waited for longer", Wait(bench, "c").Why);
        Assert.Null(Wait(bench, "c").Until);
        Assert.Equal(["b takes the place of a, to whom nothing new is given from then on"], Next(bench));
    }

    [Fact]
    public void Explain_WhatIsLeftBesideABusyModelIsEnough_TheSecondWaitsForTheFirstAllTheSame()
    {
        var bench = new LedgerBench(10, ("a", 4), ("b", 8), ("c", 5));
        bench.Ask("a");
        bench.Ready("a");
        bench.Ask("b");
        bench.Ask("c");

        Assert.Equal("b comes first, which has been waited for longer", Wait(bench, "c").Why);
    }

    [Fact]
    public void Explain_ANeighbourIsLaunchedBesideItsVictim_WhoeverIsNextWaitsUntilItHasServed()
    {
        var bench = Bench();
        bench.Ask("a");
        bench.Ready("a");
        bench.Ask("b");
        bench.Pass(5);
        bench.Ask("c");

        Assert.Equal("b must have served first", Wait(bench, "c").Why);
        Assert.Equal("it leaves for b when its request is over", Why(bench, "a"));
    }

    [Fact]
    public void Explain_SwapIsUnderWay_SaysForWhomTheVictimsLeaveAndWhoWaitsForIt()
    {
        var bench = new LedgerBench(10, ("a", 4), ("b", 4), ("c", 9), ("d", 9));
        bench.Serve("a");
        bench.Ask("b");
        bench.Ready("b");
        bench.Ask("b");
        bench.Ask("c");
        Assert.Equal("it needs the room of a, b: b serves", Wait(bench, "c").Why);
        bench.Pass(5);
        bench.Ask("d");
        bench.Ask("b");

        Assert.Equal("it leaves for c together with b", Why(bench, "a"));
        Assert.Equal("it leaves for c when its 2 requests are over", Why(bench, "b"));
        Assert.Equal("a, b must be gone first", Wait(bench, "c").Why);
        Assert.Equal("the swap to c comes first", Wait(bench, "d").Why);
        Assert.Equal("its runner leaves for c and is launched again afterwards", Wait(bench, "b").Why);
    }

    [Fact]
    public void Explain_IdleModelIsKeptForItsClients_SaysSoAndNotThatItIdlesOut()
    {
        var bench = Bench();
        bench.Options.SwapPatience = null;
        bench.Serve("b", loadSeconds: 10);
        bench.Serve("a", loadSeconds: 1);
        bench.Ready("a");
        bench.Gone("b");
        bench.Ready("a");
        bench.Release("a");
        bench.Pass(1);
        bench.Ask("a");
        bench.Release("a");
        bench.Ask("b");

        var wait = Wait(bench, "b");

        Assert.Equal("it needs the room of a, which is kept for clients that have been coming back", wait.Why);
        Assert.Equal(bench.Now + TimeSpan.FromSeconds(2.5), wait.Until);
        Assert.DoesNotContain("a is unloaded, because nobody asks for it", Next(bench));
    }

    [Fact]
    public void Explain_MemoryCannotBeRead_DoesNotPromiseALaunch()
    {
        var bench = new LedgerBench(10, ("a", 4)) { AnswersReadings = false };
        bench.Ask("a");
        bench.Pass(3);

        Assert.Equal("the machine's memory has to be read first", Wait(bench, "a").Why);
        Assert.Equal(bench.Now + TimeSpan.FromSeconds(27), Wait(bench, "a").Until);
        Assert.Equal(["a is refused, unless memory can be read again"], Next(bench));
    }

    [Fact]
    public void Explain_OtherProgramsHoldTheMemory_SaysHowMuchAndWhenItIsRefused()
    {
        var bench = new LedgerBench(10, ("a", 4)) { Usable = 3 };
        bench.Ask("a");

        Assert.Equal("other programs hold the memory: it needs 4.00 GB, and models may use 3.00 GB now", Wait(bench, "a").Why);
        Assert.Equal(["a is refused, unless there is memory for it again"], Next(bench));
    }

    [Fact]
    public void Explain_ANeighbourLoads_WhoMayHaveToLeaveIsNotSaidToBeKept()
    {
        var bench = new LedgerBench(10, ("a", 3), ("b", 3), ("c", 4));
        bench.Serve("a");
        bench.Ask("b");
        bench.Usable = 9; // of which what b has taken already is not seen as ours
        bench.Ask("c");

        Assert.Equal("b must be ready first: there may be room beside it", Wait(bench, "c").Why);
    }

    [Fact]
    public void Explain_BackgroundWork_SaysWhatItWaitsForAndWhenItIsRefused()
    {
        var bench = new LedgerBench(10, ("a", 6));
        bench.Change("a", spec => spec with { MaxConcurrency = 1 });
        bench.Serve("a");
        bench.AskInBackground("a");
        Assert.Equal(("it is background work, and a person's request may be about to come", bench.Now + TimeSpan.FromSeconds(0.5)), (Wait(bench, "a").Why, Wait(bench, "a").Until));
        Assert.Equal(["grant a 1"], bench.Pass(0.5));

        bench.AskInBackground("a");
        bench.Pass(1);
        Assert.Equal("the only place of the model is taken", Wait(bench, "a").Why);
        Assert.Contains("a background work is refused, unless its turn has come", Next(bench));
    }

    [Fact]
    public void Explain_BackgroundWorkBehindAPersonsSwap_IsToldThatPeopleComeFirst()
    {
        var bench = Bench();
        bench.Ask("a");
        bench.Ready("a");
        bench.AskInBackground("b");
        Assert.Equal(("it is background work, and other models are in use", bench.Now + bench.Options.BackgroundPatience), (Wait(bench, "b").Why, Wait(bench, "b").Until));

        bench.Ask("c");

        Assert.Equal("it is background work, and the people who wait for c come first", Wait(bench, "b").Why);
        Assert.Equal(bench.Now + bench.Options.BackgroundPatience, Wait(bench, "b").Until);
    }

    [Fact]
    public void Decisions_Launched_SayForWhomAndWhatIsCounted()
    {
        var bench = new LedgerBench(10, ("a", 1), ("b", 2), ("c", 3), ("d", 4)) { AnswersReadings = false };
        bench.Ask("a");
        bench.Ask("b");
        bench.Ask("b");
        bench.AskInBackground("c");
        bench.Ask("d", new LeaseTerms { IsBackground = true, MayEvict = false });
        bench.Apply(bench.Reading());

        Assert.Equal(
            [
                "a person waits for it; counted with 1.00 GB (as configured)",
                "2 people wait for it; counted with 2.00 GB (as configured)",
                "background work waits for it; counted with 3.00 GB (as configured)",
                "it is loaded ahead; counted with 4.00 GB (as configured)",
            ],
            bench.Ledger.Decisions.Select(d => d.Reason));
    }

    [Fact]
    public void Decisions_ARunnerFailed_ItsLastLineIsNotRunIntoTheNextSentence()
    {
        var bench = Bench();
        bench.Ask("a");
        bench.FailLaunch("a", "Its last lines: out of luck");

        Assert.Contains(bench.Ledger.Decisions, d => d.Reason == "Its last lines: out of luck. It is left alone for 10 s (1 in a row).");
    }

    [Fact]
    public void Decisions_ClientsRepeatWhatIsRefused_WhatExplainsItIsKept()
    {
        var bench = Bench();
        bench.Serve("b");
        bench.Ask("a");
        bench.Gone("b");
        bench.FailLaunch("a");
        for (var i = 0; i < 500; i++)
        {
            bench.Pass(0.01);
            bench.Ask("a");
            bench.Ask("c");
            bench.Options.QueueLimit = 0;
        }

        var decisions = bench.Ledger.Decisions;
        Assert.Contains(decisions, d => d is { Kind: DecisionKind.Evicted, Model: "b", For: "a" });
        Assert.Contains(decisions, d => d is { Kind: DecisionKind.Failed, Model: "a" });
        Assert.Equal(100, decisions.Count(d => d.Kind is DecisionKind.Refused));
    }

    private static LedgerBench Bench()
    {
        var bench = new LedgerBench(100, ("a", 1), ("b", 1), ("c", 1));
        bench.Options.MaxResident = 1;
        return bench;
    }

    private static WaitingExplanation Wait(LedgerBench bench, string model) => Assert.Single(bench.Ledger.Explain(bench.Now).Waiting, w => w.Model == model);

    private static string Why(LedgerBench bench, string model) => Assert.Single(bench.Ledger.Explain(bench.Now).Residents, r => r.Model == model).Why;

    private static IEnumerable<string> Next(LedgerBench bench) => bench.Ledger.Explain(bench.Now).Next.Select(e => $"{e.Model} {e.What}");
}
