using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class MemoryGaugeTests
{
    [Theory]
    [InlineData(24, 20, null, 3, 0, 21, 17)] // an idle machine
    [InlineData(24, 10, null, 3, 10, 21, 17)] // what runners use counts as theirs
    [InlineData(24, 20, 8.0, 3, 0, 5, 5)] // a budget below what is there
    [InlineData(24, 2, 8.0, 3, 4, 5, 3)] // other programs hold the rest
    [InlineData(24, 20, 40.0, 3, 0, 21, 17)] // a budget above what is there
    [InlineData(24, 24, null, 3, 10, 21, 21)] // never above the ceiling
    [InlineData(2, 1, null, 3, 0, 0, 0)] // never below nothing
    [InlineData(24, 1, null, 3, 0, 21, 0)]
    [InlineData(24, 24, 2.0, 3, 0, 0, 0)]
    [InlineData(24, 12, null, 0, 0, 24, 12)] // no reserve
    public void Observe_MachineAndBudget_GivesCeilingAndUsable(double total, double available, double? budget, double reserve, double ownUse, double ceiling, double usable)
    {
        var gauge = new MemoryGauge(new FakeProbe(total, available, ownUse), Options(budget, reserve));

        Assert.Equal(new MemoryObservation(ByteSize.FromGigabytes(ceiling), ByteSize.FromGigabytes(usable)), gauge.Observe([7]));
    }

    [Fact]
    public void Observe_SeveralRunners_AddsThemUp()
    {
        var gauge = new MemoryGauge(new FakeProbe(24, 10, 2), Options(null, 3));

        Assert.Equal(ByteSize.FromGigabytes(7), gauge.Observe([]).Usable);
        Assert.Equal(ByteSize.FromGigabytes(13), gauge.Observe([1, 2, 3]).Usable);
    }

    [Fact]
    public void NeedsOf_Model_TakesTheBestThatIsKnown()
    {
        var gauge = new MemoryGauge(new FakeProbe(24, 10, 0), new MemoryOptions { DefaultRequirement = ByteSize.FromGigabytes(4) });
        var unknown = new ModelSpec { Id = "x", Runner = "demo" };
        var weighed = unknown with { FileBytes = ByteSize.FromGigabytes(2.6) };

        Assert.Equal(new MemoryNeed(ByteSize.FromGigabytes(4), "the default, as nothing is known of it"), gauge.NeedsOf(unknown).Best);
        Assert.Equal(new MemoryNeed(ByteSize.FromGigabytes(2.6), "weights 2.60 GB"), gauge.NeedsOf(weighed).Best);
        Assert.Equal(new MemoryNeed(ByteSize.FromGigabytes(18), "as configured"), gauge.NeedsOf(weighed with { Memory = ByteSize.FromGigabytes(18) }).Best);
    }

    [Fact]
    public void NeedsOf_ConfiguredMemory_IsOneWayWithTheConfiguredContext()
    {
        var needs = Gauge(null).NeedsOf(Known with { Memory = ByteSize.FromGigabytes(18), Context = 8192 });

        Assert.Equal(new MemoryNeed(ByteSize.FromGigabytes(18), "as configured") { Shape = new LaunchShape { Context = 8192 } }, Assert.Single(needs.Choices));
    }

    [Fact]
    public void NeedsOf_Facts_GivesTheWaysOfTheEstimate()
    {
        var needs = Gauge(null).NeedsOf(Known);

        Assert.Equal(new MemoryEstimator(new MemoryOptions()).NeedsOf(Known)!, needs.Choices);
        Assert.True(needs.Choices.Count > 3);
    }

    [Fact]
    public void NeedsOf_MoreWasSeen_CountsThatAndSaysSo()
    {
        var least = Gauge(null).NeedsOf(Known).Least;
        var seen = Gauge(new FakeFootprints(shape => shape == least.Shape ? least.Total + new ByteSize(1 << 20) : null)).NeedsOf(Known).Least;

        Assert.Equal((least.Total + new ByteSize(1 << 20), least.Estimate, seen.Total), (seen.Total, seen.Estimate, seen.Observed!.Value));
        Assert.Equal($"{least.Reason}; {seen.Total} was seen", seen.Reason);
    }

    [Fact]
    public void NeedsOf_LessWasSeen_StaysWithTheEstimate()
    {
        var seen = Gauge(new FakeFootprints(_ => new ByteSize(5))).NeedsOf(Known).Best;

        Assert.Equal((seen.Estimate, new ByteSize(5)), (seen.Total, seen.Observed!.Value));
        Assert.DoesNotContain("seen", seen.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void NeedsOf_LowerWayWasSeenToTakeMore_IsNoChoice()
    {
        var all = Gauge(null).NeedsOf(Known);
        var seen = Gauge(new FakeFootprints(shape => shape == all.Choices[1].Shape ? all.Best.Total : null)).NeedsOf(Known);

        Assert.Equal(all.Choices.Where(need => need != all.Choices[1]), seen.Choices);
    }

    [Fact]
    public void NeedsOf_NothingKnownButWhatWasSeen_CountsThat() =>
        Assert.Equal(ByteSize.FromGigabytes(9), Gauge(new FakeFootprints(_ => ByteSize.FromGigabytes(9))).NeedsOf(new ModelSpec { Id = "x", Runner = "command" }).Best.Total);

    [Theory]
    [InlineData(null, "23.49 GB of memory (/proc/meminfo), 3.00 GB kept in reserve: models may use 20.49 GB")]
    [InlineData(16.0, "23.49 GB of memory (/proc/meminfo), a budget of 16.00 GB, 3.00 GB kept in reserve: models may use 13.00 GB")]
    [InlineData(64.0, "23.49 GB of memory (/proc/meminfo), a budget of 64.00 GB (more than there is), 3.00 GB kept in reserve: models may use 20.49 GB")]
    public void Describe_Budget_SaysWhereItComesFrom(double? budget, string expected) =>
        Assert.Equal(expected, MemoryBudget.Describe(new FakeProbe(23.49, 20, 0).Read(), Options(budget, 3)));

    private static MemoryOptions Options(double? budget, double reserve) => new()
    {
        Budget = budget is { } gigabytes ? ByteSize.FromGigabytes(gigabytes) : null,
        Reserve = ByteSize.FromGigabytes(reserve),
    };

    private static readonly ModelSpec Known = new()
    {
        Id = "known", Runner = KindNames.MlxLm,
        Facts = new ModelFacts { TensorBytes = ByteSize.FromGigabytes(4), Cache = new CacheLayout([new CacheLayers(32, 2048)]), ContextWindow = 32768, HiddenSize = 4096, FeedForwardSize = 14336 },
    };

    private static MemoryGauge Gauge(IObservedFootprints? observed) => new(new FakeProbe(24, 10, 0), new MemoryOptions(), observed);

    private sealed class FakeFootprints(Func<LaunchShape, ByteSize?> peak) : IObservedFootprints
    {
        public ByteSize? PeakOf(ModelSpec model, LaunchShape shape) => peak(shape);

        public TimeSpan? LoadTimeOf(ModelSpec model, LaunchShape shape) => peak(shape) is null ? null : TimeSpan.FromSeconds(40);
    }

    private sealed class FakeProbe(double total, double available, double footprint) : IMemoryProbe
    {
        public MemoryReading Read() => new(ByteSize.FromGigabytes(total), ByteSize.FromGigabytes(available), "/proc/meminfo");

        public ByteSize FootprintOf(IReadOnlyCollection<int> pids) => ByteSize.FromGigabytes(footprint * pids.Count);

        public IReadOnlyDictionary<int, FootprintReading> ReadingsOf(IReadOnlyCollection<int> pids) => throw new NotSupportedException("Nobody asks in these tests.");
    }
}
