using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// Titles, tags and follow-ups: nobody waits for them, so they wait for everybody.
public sealed class BackgroundWorkTests
{
    [Fact]
    public void LeaseRequested_TitleComesBeforeThePersonsOwnRequest_ThePersonIsServedFirst()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        Assert.Empty(bench.AskInBackground("qwen").Effects);
        bench.Pass(0.09);

        Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
        Assert.Empty(bench.PassAsWoken(10));
        Assert.Equal(["grant qwen 1"], bench.Release("qwen"));
    }

    // The one waits until the other is served, which waits for its place.
    [Fact]
    public void LaunchSucceeded_OnlyBackgroundWorkWaitsForItAndAPersonForItsPlace_ThePersonHasThePlace()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        var left = bench.Ask("qwen");
        bench.AskInBackground("qwen");
        bench.Abandon(left.Ticket);
        bench.Ask("small");

        Assert.Equal(["stop qwen 1"], [.. bench.Ready("qwen"), .. bench.PassAsWoken(10)]);
        Assert.Equal(["start small 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void LeaseRequested_TheRoomMadeForBackgroundWorkIsNotEnoughAnyMore_ItDoesNotStandInAPersonsWay()
    {
        var bench = new LedgerBench(12, ("old", 6), ("busy", 3), ("title", 7), ("small", 2));
        bench.Serve("old");
        bench.Ask("busy");
        bench.Ready("busy");
        bench.PassAsWoken(301);
        Assert.Equal(["stop old 1"], bench.AskInBackground("title").Effects);
        bench.Usable = 9;
        Assert.Empty(bench.Gone("old"));

        Assert.Equal(["start small 1"], bench.Ask("small").Effects);
    }

    // A person who waits for room stands in its way, and may cease to in the middle of a decision.
    [Fact]
    public void TimeElapsed_ThePersonWhoWaitedForRoomIsRefused_BackgroundWorkIsServedInTheSameMoment()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 4));
        bench.Serve("small");
        bench.Usable = 5;
        bench.Ask("qwen");
        bench.PassAsWoken(20);
        bench.AskInBackground("small");

        Assert.Equal(["refuse qwen InsufficientMemoryNow", "grant small 1"], bench.PassAsWoken(10));
    }

    [Fact]
    public void LeaseRequested_BackgroundAndNobodyElse_IsServedAfterAMoment()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        Assert.Empty(bench.AskInBackground("qwen").Effects);

        Assert.Empty(bench.PassAsWoken(0.49));
        Assert.Equal(["grant qwen 1"], bench.PassAsWoken(0.01));
    }

    // On a busy machine time goes on between a decision and the alarm that is set for what is left to do: what came due in between must not be taken for done.
    [Fact]
    public void NextWake_ThePersonLeavesJustBeforeTheMomentIsOver_IsItsEndWhateverTheClockSaysByThen()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        bench.Ask("qwen");
        bench.AskInBackground("qwen");
        var moment = bench.Now + ResidencyLedger.BackgroundHold;
        bench.Pass(0.499);
        Assert.Empty(bench.Release("qwen"));

        Assert.Equal(moment, bench.Ledger.NextWake);
        Assert.Equal(["grant qwen 1"], bench.Pass(1));
    }

    [Fact]
    public void LeaseRequested_BackgroundWorkHasTheOnlyPlace_IsEndedForThePersonWhoThenHasIt()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 1 });
        bench.Serve("qwen");
        var title = bench.AskInBackground("qwen");
        bench.PassAsWoken(1);

        Assert.Equal(["revoke qwen 1 Yielded"], bench.Ask("qwen").Effects);
        Assert.Equal(RevocationReason.Yielded, title.Lease.Revocation.Reason);
        Assert.Equal(["grant qwen 1"], bench.Release(title.Lease));
    }

    [Fact]
    public void LeaseRequested_TwoPeopleAndOneBackgroundPlace_EndsItOnce()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Change("qwen", s => s with { MaxConcurrency = 1 });
        bench.Serve("qwen");
        bench.AskInBackground("qwen");
        bench.PassAsWoken(1);
        bench.Ask("qwen");

        Assert.Empty(bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_BackgroundForAnotherModelWhileAPersonUsesTheResidentOne_NeverSwapsAndIsRefusedInTheEnd()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.AskInBackground("small");

        Assert.Empty(bench.PassAsWoken(119));
        Assert.Equal(["refuse small Yielded"], bench.PassAsWoken(1));
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
    }

    [Fact]
    public void LeaseRequested_BackgroundAndTheResidentModelServedAPersonLately_WaitsForItsRespite()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        bench.Options.BackgroundPatience = TimeSpan.FromMinutes(10);
        bench.Serve("qwen");
        bench.AskInBackground("small");

        Assert.Empty(bench.PassAsWoken(299));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(1));
        Assert.Equal(["start small 1"], bench.Gone("qwen"));
    }

    [Fact]
    public void LeaseRequested_BackgroundAndThereIsRoom_LaunchesItsModelAtOnce()
    {
        var bench = new LedgerBench(20, ("qwen", 6), ("small", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");

        Assert.Equal(["start small 1"], bench.AskInBackground("small").Effects);
    }

    [Fact]
    public void LeaseRequested_PersonNeedsTheRoomOfAModelThatLoadsForBackgroundWork_TheLoadIsCalledOff()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        bench.AskInBackground("small");

        Assert.Equal(["stop small 1"], bench.Ask("qwen").Effects);
        Assert.Equal(["start qwen 1"], bench.Gone("small"));
    }

    [Fact]
    public void LeaseRequested_PersonNeedsTheRoomOfAModelThatDoesBackgroundWork_TheWorkIsEndedAtOnce()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        bench.AskInBackground("small");
        bench.Ready("small");
        bench.PassAsWoken(1);
        var work = bench["small"].Background;
        Assert.Single(work);

        Assert.Equal(["revoke small 1 Yielded"], bench.Ask("qwen").Effects);
        Assert.Equal(ResidentState.Draining, bench["small"].State);
    }

    [Fact]
    public void LeaseRequested_PersonJoinsALoadThatBackgroundWorkBegan_ItIsAPersonsLoadFromThenOn()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("small", 6));
        bench.AskInBackground("small");
        bench.Ask("small");

        Assert.Empty(bench.Ask("qwen").Effects);
    }

    [Fact]
    public void LeaseRequested_PeopleAndBackgroundWaitForDifferentModels_PeopleGoFirstHoweverLateTheyCame()
    {
        var bench = new LedgerBench(10, ("busy", 6), ("small", 6), ("qwen", 6));
        bench.Ask("busy");
        bench.Ready("busy");
        bench.AskInBackground("small");
        bench.Ask("qwen");
        bench.PassAsWoken(5);
        bench.Release("busy");

        Assert.Equal(["start qwen 1"], bench.Gone("busy"));
    }

    [Fact]
    public void LeaseReleased_BackgroundWork_TeachesNothingAboutPeople()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        bench.Serve("gemma", 10);
        bench.Ask("qwen");
        bench.Gone("gemma");
        bench.Ready("qwen");
        bench.Release("qwen");
        for (var i = 0; i < 5; i++)
        {
            var work = bench.AskInBackground("qwen");
            bench.PassAsWoken(0.5);
            bench.Release(work.Lease);
        }

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void LeaseRequested_StandInIsThereAndTheModelServesAPerson_TheStandInServesTheBackground()
    {
        var bench = new LedgerBench(20, ("qwen", 6), ("small", 2));
        bench.Serve("small");
        bench.Ask("qwen");
        bench.Ready("qwen");
        var title = bench.Ask("qwen", new LeaseTerms { IsBackground = true, StandIn = bench.Spec("small") });

        Assert.Equal(["grant small 1"], bench.PassAsWoken(0.5));
        Assert.Equal("small", title.Lease.Model.Id);
    }

    [Fact]
    public void LeaseRequested_StandInIsNotInMemory_IsNotLoadedForIt()
    {
        var bench = new LedgerBench(20, ("qwen", 6), ("small", 2));
        bench.Ask("qwen");
        bench.Ready("qwen");

        Assert.Empty(bench.Ask("qwen", new LeaseTerms { IsBackground = true, StandIn = bench.Spec("small") }).Effects);
    }

    [Fact]
    public void LeaseRequested_LoadedAheadAndThereIsNoRoom_IsRefusedAtOnceAndNothingIsEvicted()
    {
        var ahead = new LeaseTerms { IsBackground = true, MayEvict = false };
        var bench = new LedgerBench(10, ("first", 6), ("second", 6));
        Assert.Equal(["start first 1"], bench.Ask("first", ahead).Effects);
        Assert.Equal(["refuse second Yielded"], bench.Ask("second", ahead).Effects);
        Assert.Empty(bench.Ready("first"));
        bench.PassAsWoken(1);
        bench.Apply(new ResidencyEvent.LeaseReleased("first", 1, bench["first"].Background[0]));

        Assert.Equal(["refuse second Yielded"], bench.Ask("second", ahead).Effects);
        Assert.Empty(bench.AskInBackground("second").Effects);
        Assert.Equal(ResidentState.Ready, bench["first"].State);
    }

    [Fact]
    public void LeaseRequested_TheQueueIsFullOfBackgroundWork_ThePersonHasThePlaceOfTheYoungest()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.QueueLimit = 2;
        bench.Ask("qwen");
        bench.Ready("qwen");
        var older = bench.AskInBackground("qwen");
        var younger = bench.AskInBackground("gemma");
        Assert.Equal(["refuse gemma QueueFull"], bench.AskInBackground("gemma").Effects);

        Assert.Equal(["refuse gemma Yielded"], bench.Ask("gemma").Effects);

        Assert.Contains("a person's request has its place in the queue", younger.Refusal.Message);
        Assert.False(older.Ticket.Outcome.IsCompleted);
        Assert.Equal(["refuse qwen Yielded"], bench.Ask("gemma").Effects);
        Assert.Equal(["refuse gemma QueueFull"], bench.Ask("gemma").Effects); // now people wait, and nobody else
    }

    [Fact]
    public void TimeElapsed_BackgroundWorkThatCouldNotHaveRoomIsRefused_WhoeverWaitedBehindItHasItsTurnInTheSameMoment()
    {
        var bench = new LedgerBench(10, ("busy", 6), ("idle", 4), ("large", 9), ("small", 4));
        bench.Serve("idle");
        bench.Ask("busy");
        bench.Ready("busy");
        bench.PassAsWoken(301);
        bench.AskInBackground("large");
        bench.PassAsWoken(10);
        Assert.Empty(bench.AskInBackground("small").Effects);

        bench.PassAsWoken(109.5);
        bench.AnswersReadings = false; // they would be an event of their own

        Assert.Equal(["refuse large Yielded", "stop idle 1"], bench.PassAsWoken(0.5));
    }

    [Fact]
    public void ShutdownRequested_BackgroundWorkRuns_IsEndedLikeEverything()
    {
        var bench = new LedgerBench(10, ("qwen", 6));
        bench.Serve("qwen");
        var work = bench.AskInBackground("qwen");
        bench.PassAsWoken(1);

        Assert.Equal(["revoke qwen 1 Yielded"], bench.Apply(new ResidencyEvent.ShutdownRequested(TimeSpan.FromSeconds(10))));
        Assert.Equal(["stop qwen 1"], bench.Release(work.Lease));
    }
}
