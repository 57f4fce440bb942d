using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// Law 11, and the second half of law 2: memory is what the machine has now.
public sealed class ResidencyLedgerMemoryTests
{
    [Fact]
    public void LeaseRequested_CanNeverFit_IsRefusedAtOnceWithNumbersAndNothingIsEvicted()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("huge", 12));
        bench.Serve("qwen");

        var asked = bench.Ask("huge");

        Assert.Equal(["refuse huge InsufficientMemory"], asked.Effects);
        Assert.StartsWith("Only 10.00 GB available, but at least 12.00 GB is needed for huge (as configured). ", asked.Refusal.Message, StringComparison.Ordinal);
        Assert.Null(asked.Refusal.RetryAfter);
        Assert.Equal(new MemoryShortage(Gigabytes(12), Gigabytes(10), Gigabytes(4), Gigabytes(6)), asked.Refusal.Shortage);
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
    }

    [Fact]
    public void LeaseRequested_FullContextCanNeverFit_IsLaunchedInTheBestWayThatDoes()
    {
        var bench = new LedgerBench(10);
        var asked = AskLong(bench, usable: 10);

        Assert.Equal((16384, 9.5), Launched(asked));
    }

    [Fact]
    public void LeaseRequested_OtherProgramsHoldSome_IsLaunchedInAShorterWayNow() => Assert.Equal((4096, 5.5), Launched(AskLong(new LedgerBench(10), usable: 6)));

    [Fact]
    public void LeaseRequested_EvenTheShortestCannotFit_IsRefusedWithTheNumbersOfTheShortest()
    {
        var ticket = AskLong(new LedgerBench(5), usable: 5).Ticket;

        var refusal = Assert.IsType<LeaseRefusedException>(ticket.Outcome.Exception!.InnerException);
        Assert.StartsWith("Only 5.00 GB available, but at least 5.50 GB is needed for long (weights 4.00 GB, KV cache 0.50 GB, overhead 1.00 GB). ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal((RefusalReason.InsufficientMemory, Gigabytes(5.5)), (refusal.Reason, refusal.Shortage!.Required));
    }

    // What a launching neighbour had taken looks as if other programs held it. Here it has taken 3 of its 4 GB: 10 - 3 are usable, as far as that reading goes.
    [Fact]
    public void LaunchSucceeded_MemoryWasReadWhileItLaunched_NobodyIsEvictedOnThatReading()
    {
        var bench = new LedgerBench(10, ("idle", 3), ("neighbour", 4), ("newcomer", 3));
        bench.Serve("idle");
        bench.Ask("neighbour");
        bench.AnswersReadings = false;
        bench.Usable = 7;
        bench.Apply(bench.Reading());
        bench.Ready("neighbour");
        bench.Release("neighbour");

        Assert.Empty(bench.Ask("newcomer").Effects);
        Assert.Equal(ResidentState.Ready, bench["idle"].State);

        // ... and the next one shows the neighbour as ours.
        bench.Usable = 10;
        Assert.Equal(["start newcomer 1"], bench.Apply(bench.Reading()));
        Assert.Equal(ResidentState.Ready, bench["idle"].State);
    }

    [Fact]
    public void LeaseRequested_OnlyTheReadingOfANeighboursLaunchIsInTheWay_NobodyIsEvictedBeforeItIsClear()
    {
        var bench = new LedgerBench(10, ("idle", 3), ("neighbour", 4), ("newcomer", 3), ("large", 4));
        bench.Serve("idle");
        bench.Ask("neighbour");
        bench.Usable = 8;

        var asked = bench.Ask("newcomer");

        Assert.Empty(asked.Effects);
        Assert.Equal(ResidentState.Ready, bench["idle"].State);

        // ... whoever must leave in any case need not wait for that.
        bench.Abandon(asked.Ticket);
        Assert.Equal(["stop idle 1"], bench.Ask("large").Effects);
    }

    // A reading may be begun before a runner is ready and be heard of after it: what counts is whom it saw.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MemoryObserved_HeardOfAfterARunnerIsReady_CountsIfItSawThatRunner(bool sawIt)
    {
        var bench = new LedgerBench(10, ("neighbour", 4), ("newcomer", 3));
        bench.Ask("neighbour");
        bench.Ready("neighbour");
        bench.AnswersReadings = false;
        bench.Apply(bench.Reading() with { Own = sawIt ? [bench["neighbour"].Runner!.Pid] : [] });

        Assert.Equal(sawIt ? ["start newcomer 1"] : [], bench.Ask("newcomer").Effects);
    }

    private static (int?, double) Launched((LeaseTicket Ticket, List<ResidencyEffect> Effects) asked)
    {
        var start = Assert.IsType<ResidencyEffect.StartRunner>(Assert.Single(asked.Effects));
        return (start.Shape.Context, start.Shape.Context switch { 16384 => 9.5, 4096 => 5.5, _ => 0 });
    }

    // 4 GB of weights, 1 GB of overhead, and 128 KB a token.
    private static (LeaseTicket Ticket, List<ResidencyEffect> Effects) AskLong(LedgerBench bench, double usable)
    {
        MemoryNeed Need(int context, double total, string cache) =>
            new(Gigabytes(total), $"weights 4.00 GB, KV cache {cache} GB, overhead 1.00 GB") { Shape = new LaunchShape { Context = context } };
        MemoryNeeds needs = new([Need(131072, 21, "16.00"), Need(32768, 13, "8.00"), Need(16384, 9.5, "4.50"), Need(4096, 5.5, "0.50")]);
        var ticket = new LeaseTicket(new ModelSpec { Id = "long", Runner = "fake" }, needs, LeaseTerms.Person, bench.Now);
        List<ResidencyEffect> effects = [];
        foreach (var happened in new ResidencyEvent[] { new ResidencyEvent.MemoryObserved(new MemoryObservation(Gigabytes(bench.Ceiling), Gigabytes(usable))), new ResidencyEvent.LeaseRequested(ticket) })
        {
            effects.AddRange(bench.Ledger.Apply(happened, bench.Now).ToArray());
        }

        foreach (var refuse in effects.OfType<ResidencyEffect.RefuseLease>())
        {
            Assert.True(refuse.Ticket.TryRefuse(refuse.Refusal));
        }

        return (ticket, effects);
    }

    [Fact]
    public void LeaseRequested_CanNeverFitBesideThePinnedOnes_IsRefusedAtOnce()
    {
        var bench = new LedgerBench(10, ("pinned", 4), ("large", 8));
        bench.Change("pinned", s => s with { Pinned = true });
        bench.Serve("pinned");

        var asked = bench.Ask("large");

        Assert.Equal(["refuse large InsufficientMemory"], asked.Effects);
        Assert.StartsWith("Only 6.00 GB available, but at least 8.00 GB is needed for large", asked.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LeaseRequested_CanNeverFitAndSomebodyElseIsFirst_IsRefusedAllTheSame()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6), ("huge", 12));
        bench.Ask("qwen");
        bench.Ask("gemma");

        Assert.Equal(["refuse huge InsufficientMemory"], bench.Ask("huge").Effects);
    }

    [Fact]
    public void LeaseRequested_OtherProgramsHoldTheMemory_EvictsNothingAndWaitsForIt()
    {
        var bench = new LedgerBench(10, ("small", 3), ("qwen", 6)) { Usable = 5 };
        bench.Serve("small");

        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Equal(ResidentState.Ready, bench["small"].State);

        // The readings once a second are what tells that there is room again.
        Assert.Empty(bench.PassAsWoken(10));
        bench.Usable = 10;
        Assert.Equal(["start qwen 1"], bench.PassAsWoken(1));
    }

    [Fact]
    public void TimeElapsed_OtherProgramsKeepTheMemory_RefusesWithNumbersAndRetryAdvice()
    {
        var bench = new LedgerBench(10, ("small", 3), ("qwen", 6)) { Usable = 5 };
        bench.Serve("small");
        var asked = bench.Ask("qwen");

        Assert.Empty(bench.PassAsWoken(29));
        Assert.Equal(["refuse qwen InsufficientMemoryNow"], bench.PassAsWoken(1));
        Assert.StartsWith("Only 5.00 GB available, but at least 6.00 GB is needed for qwen (as configured). ", asked.Refusal.Message, StringComparison.Ordinal);
        Assert.InRange(asked.Refusal.RetryAfter!.Value.TotalSeconds, 1, 60);
        Assert.Equal(new MemoryShortage(Gigabytes(6), Gigabytes(10), Gigabytes(2), Gigabytes(3)), asked.Refusal.Shortage);
    }

    [Fact]
    public void LeaseRequested_SomebodyAheadWaitsForOtherPrograms_IsNotHeldUpByThat()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 3)) { Usable = 5 };
        bench.Ask("qwen");

        Assert.Equal(["start small 1"], bench.Ask("small").Effects);
    }

    [Fact]
    public void MemoryObserved_TakenWhileVictimsDrain_TheVictimsStay()
    {
        var bench = new LedgerBench(10, ("small", 4), ("qwen", 8));
        bench.Ask("small");
        bench.Ready("small");
        bench.Ask("qwen");
        bench.Pass(5);
        Assert.Equal(ResidentState.Draining, bench["small"].State);

        bench.Usable = 7;
        bench.Pass(1);

        Assert.Equal(ResidentState.Ready, bench["small"].State);
    }

    [Fact]
    public void MemoryObserved_GivenBackWhileVictimsDrain_TheNewcomerStartsAndTheVictimsStay()
    {
        var bench = new LedgerBench(20, ("small", 4), ("qwen", 8)) { Usable = 10 };
        bench.Ask("small");
        bench.Ready("small");
        bench.Ask("qwen");
        bench.Pass(5);
        var waiting = bench.Ask("small");
        Assert.Empty(waiting.Effects);

        bench.Usable = 20;

        Assert.Equal(["start qwen 1", "grant small 1"], bench.Pass(1));
        Assert.Equal(ResidentState.Ready, bench["small"].State);
    }

    [Fact]
    public void LeaseRequested_NoReadingYet_WaitsForOne()
    {
        var bench = new LedgerBench(10, ("qwen", 6)) { AnswersReadings = false };

        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Equal(["start qwen 1"], bench.Apply(bench.Reading()));
    }

    [Fact]
    public void LeaseRequested_TheReadingIsOld_DecidesNothingOnIt()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Apply(bench.Reading());
        bench.AnswersReadings = false;
        bench.Pass(3600);
        bench.Usable = 2;

        Assert.Empty(bench.Ask("qwen").Effects);
        Assert.Empty(bench.Apply(bench.Reading()));
        bench.Usable = 8;
        Assert.Equal(["start qwen 1"], bench.Apply(bench.Reading()));
    }

    [Fact]
    public void TimeElapsed_MemoryCannotBeRead_RefusesAndSaysSo()
    {
        var bench = new LedgerBench(10, ("qwen", 6)) { AnswersReadings = false };
        var asked = bench.Ask("qwen");

        Assert.Empty(bench.PassAsWoken(29));
        Assert.Equal(["refuse qwen InsufficientMemoryNow"], bench.PassAsWoken(1));
        Assert.Contains("could not be read", asked.Refusal.Message, StringComparison.Ordinal);
    }

    // What a launching runner has taken so far is not seen as ours: that must not look like another program's.
    [Fact]
    public void TimeElapsed_SomebodyLaunchesForLong_DoesNotTakeThatForAShortage()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Usable = 4;
        bench.Ask("gemma");

        Assert.Empty(bench.PassAsWoken(120));
        bench.Usable = 10;
        Assert.Equal(["grant qwen 1"], bench.Ready("qwen"));
    }

    [Fact]
    public void FootprintObserved_MoreThanItIsCountedWith_NobodyIsLaunchedIntoWhatIsGone()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 3));
        bench.Serve("qwen");
        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(7.5)));

        // It fits no more beside the other: that one must leave first.
        Assert.Equal(["stop qwen 1"], bench.Ask("small").Effects);
        Assert.Equal((Gigabytes(7.5), Gigabytes(7.5)), (bench["qwen"].Need.Total, bench["qwen"].Need.Observed!.Value));
        Assert.Equal(["start small 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void FootprintObserved_LessThanBefore_LowersNothingWhileItLives()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 3));
        bench.Ask("qwen");
        bench.Ready("qwen");

        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(2)));
        Assert.Equal(Gigabytes(6), bench["qwen"].Need.Total);

        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(8)), new FootprintObserved("qwen", 1, Gigabytes(2)));
        Assert.Equal(Gigabytes(8), bench["qwen"].Need.Total);
    }

    [Fact]
    public void FootprintObserved_MoreThanThereIs_LaunchesNothingAndHoldsNobodyUpOnceItIsGone()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 3));
        bench.Change("qwen", s => s with { Pinned = true });
        bench.Serve("qwen");
        bench.Usable = 9;
        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(9)));

        Assert.Equal(["refuse small InsufficientMemory"], bench.Ask("small").Effects);
        bench.Unload("qwen", out _);
        bench.Gone("qwen");
        Assert.Equal(["start small 1"], bench.Ask("small").Effects);

        // The next launch is counted by what is known before it.
        bench.Change("qwen", s => s with { Pinned = false });
        bench.Unload("small", out _);
        bench.Gone("small");
        bench.Ask("qwen");
        Assert.Equal(Gigabytes(6), bench["qwen"].Need.Total);
    }

    [Fact]
    public void FootprintObserved_OfAnEarlierLaunch_IsIgnored()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Unload("qwen", out _);
        bench.Gone("qwen");
        bench.Serve("qwen");

        Assert.Empty(bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(9))));
        Assert.Equal(Gigabytes(6), bench["qwen"].Need.Total);
        Assert.Empty(bench.Apply(new FootprintObserved("nobody", 1, Gigabytes(9))));
    }

    [Fact]
    public void FootprintObserved_NothingServedYet_TeachesNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");

        Assert.Empty(bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(5))));
        bench.Release("qwen");
        Assert.Equal([nameof(LearnFootprint)], bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(5))));
    }

    [Fact]
    public void FootprintObserved_NothingNew_PublishesNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        var version = bench.Ledger.Version;

        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(5)));
        Assert.Equal(version, bench.Ledger.Version);
        bench.Apply(new FootprintObserved("qwen", 1, Gigabytes(7)));
        Assert.NotEqual(version, bench.Ledger.Version);
    }

    [Fact]
    public void TimeElapsed_MemoryCannotBeReadWhileVictimsDrain_TheVictimsStayAsSoonAsTheNewcomerIsRefused()
    {
        var bench = new LedgerBench(10, ("small", 4), ("qwen", 8));
        bench.Ask("small");
        bench.Ready("small");
        bench.Ask("qwen");
        bench.Pass(5);
        Assert.Equal(ResidentState.Draining, bench["small"].State);

        bench.AnswersReadings = false;
        bench.Pass(3);
        Assert.Equal(["refuse qwen InsufficientMemoryNow"], bench.Pass(30));

        Assert.Equal(ResidentState.Ready, bench["small"].State);
    }

    [Fact]
    public void LeaseRequested_WithTheSpecificationBeforeTheNewest_IsPlannedWithWhatTheNewestNeeds()
    {
        var bench = new LedgerBench(10, ("qwen", 3)) { AnswersReadings = false };
        var old = new LeaseTicket(bench.Spec("qwen"), bench.Need("qwen"), LeaseTerms.Person, bench.Now);
        bench.Ask("qwen");
        bench.Change("qwen", s => s with { Source = "larger" });
        bench.Estimate("qwen", 8);
        bench.Ask("qwen");

        bench.Apply(new ResidencyEvent.LeaseRequested(old));
        bench.Apply(bench.Reading());

        Assert.Equal(Gigabytes(8), bench["qwen"].Need.Total);
    }

    private static ByteSize Gigabytes(double value) => ByteSize.FromGigabytes(value);

    [Fact]
    public void TimeElapsed_WhoseFilesAreReadAheadIsRefused_TheReadingEndsInTheSameMoment()
    {
        var bench = new LedgerBench(10, ("busy", 6), ("qwen", 6));
        bench.Ask("busy");
        bench.Ready("busy");
        bench.Ask("qwen");
        bench.Usable = 3;
        var said = bench.PassAsWoken(40);

        Assert.Equal(["refuse qwen InsufficientMemoryNow"], said);
        Assert.Equal(["begin qwen 4.00 GB", "end qwen"], bench.ReadAhead);
    }
}
