using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference.Tracing;

/// <summary>How many traces are begun.</summary>
public sealed class TracePaceTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Take_AtFirst_GivesWhatTenSecondsWouldAndThenSoManyASecond()
    {
        var pace = new TracePace(100, _time);

        Assert.Equal(1000, Taken(pace, 5000));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(Taken(pace, 5000), 100, 101); // a step is a whole number of the clock's ticks
    }

    [Fact]
    public void Take_AfterAQuietNight_GivesNoMoreThanTenSecondsWould()
    {
        var pace = new TracePace(100, _time);
        Assert.Equal(5, Taken(pace, 5));

        _time.Advance(TimeSpan.FromHours(8));

        Assert.Equal(1000, Taken(pace, 5000));
    }

    [Fact]
    public void Take_WhoAsksSeldom_HasEveryOne()
    {
        var pace = new TracePace(2, _time);
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(pace.Take());
            _time.Advance(TimeSpan.FromSeconds(0.5));
        }
    }

    [Fact]
    public void Take_WithoutABound_HasEveryOne() => Assert.Equal(5000, Taken(new TracePace(0, _time), 5000));

    [Fact]
    public void Take_ManyAtTheSameTime_GivesThemTogetherWhatOneWouldGet()
    {
        var pace = new TracePace(1000, _time);
        var alone = Taken(new TracePace(1000, _time), 20_000);
        var taken = 0;

        Parallel.For(0, 8, _ => Interlocked.Add(ref taken, Taken(pace, 20_000)));

        Assert.InRange(alone, 10_000, 10_010);
        Assert.Equal(alone, taken);
    }

    private static int Taken(TracePace pace, int tries) => Enumerable.Range(0, tries).Count(_ => pace.Take());
}
