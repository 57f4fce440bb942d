using System.Globalization;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency.Worth;

// What the scheduling policy is worth, against first come, first served: the traces of real clients' shapes, in virtual time, with room for one model.
public sealed class SchedulingWorthTests
{
    // What the laws are made for. The limits are what a bare model of them made of the same traces; less would be a step back.
    [Theory]
    [InlineData("two-agents", 52.4, 0.68)]
    [InlineData("ten-users", 81.8, 0.57)]
    public void Trace_ALoadOf10Seconds_SwapsAndEndsAsEarlyAsPromised(string name, double mostSwaps, double mostOfTheirMakespan)
    {
        var (theirs, ours) = Play(name, 10);

        Assert.InRange(ours.Loads, 1, mostSwaps);
        Assert.InRange(ours.Makespan / theirs.Makespan, 0.1, mostOfTheirMakespan);
    }

    // As that same model has it: the yardstick is not made to look bad.
    [Theory]
    [InlineData("two-agents", 120, 1616)]
    [InlineData("agent-and-person", 31, 920)]
    [InlineData("ten-users", 160, 2625)]
    [InlineData("batch-and-person", 26, 1033)]
    [InlineData("one-user", 1, 582)]
    public void FirstComeLru_ALoadOf10Seconds_IsTheYardstickThatItIsTakenFor(string name, double swaps, double makespan)
    {
        var (theirs, _) = Play(name, 10);

        Assert.Equal((swaps, makespan), (Math.Round(theirs.Loads), Math.Round(theirs.Makespan)));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Trace_AnyShapeAndLoad_EndsAtMost7PercentLater(string name, int load)
    {
        var (theirs, ours) = Play(name, load);

        Assert.InRange(ours.Makespan / theirs.Makespan, 0.1, 1.07);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Trace_AnyShapeAndLoad_NobodyWaitsBeyondTheBound(string name, int load)
    {
        foreach (var trace in Trace.Read(name))
        {
            var run = new TraceRun(trace, TimeSpan.FromSeconds(load));
            run.Play();

            Assert.All(run.Visits, v => Assert.True(v.Waited <= v.Bound, string.Create(CultureInfo.InvariantCulture, $"seed {trace.Seed}, {v.Request}: waited {v.Waited}, bound {v.Bound}")));
            Assert.All(run.Visits.Where(v => !v.Request.IsBackground), v => Assert.Equal(VisitEnd.Answered, v.End));
        }
    }

    // Titles and tags are nobody's wait: that they go to a model of their own costs people nothing.
    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(30)]
    public void ChatPage_TaskModelOfItsOwn_PeopleHaveTheirAnswersAsSoon(int load)
    {
        var (theirs, ours) = Play("chat-page-task-model", load);
        var (_, without) = Play("chat-page", load);

        Assert.InRange(ours.Makespan, 0.1, 1.01 * without.Makespan);
        Assert.InRange(ours.People.P95, 0.1, 1.01 * without.People.P95);
        Assert.InRange(theirs.Loads, 3 * ours.Loads, double.MaxValue); // two swaps for each message
    }

    [Fact]
    public void ChatPage_TaskModelWithAStandIn_MostOfItsWorkIsDoneAndPeopleWaitNoLonger()
    {
        foreach (var trace in Trace.Read("chat-page-task-model"))
        {
            var without = new TraceRun(trace, TimeSpan.FromSeconds(10)).Play();
            var with = new TraceRun(trace, TimeSpan.FromSeconds(10), standIn: "a").Play();

            Assert.InRange(with.BackgroundAnswered, 0.5, 1);
            Assert.InRange(with.People.P95, 0, without.People.P95 + 0.001);
        }
    }

    public static TheoryData<string, int> All() => [.. from name in Trace.Names from load in WorthTable.Loads select (name, load)];

    private static (Figures Theirs, Figures Ours) Play(string name, int load)
    {
        var traces = Trace.Read(name);
        var time = TimeSpan.FromSeconds(load);
        return (Figures.Mean([.. traces.Select(t => new FirstComeLru(t, time).Play())]), Figures.Mean([.. traces.Select(t => new TraceRun(t, time).Play())]));
    }
}
