using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
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

    private sealed class FakeProbe(double total, double available, double footprint) : IMemoryProbe
    {
        public MemoryReading Read() => new(ByteSize.FromGigabytes(total), ByteSize.FromGigabytes(available), "/proc/meminfo");

        public ByteSize FootprintOf(IReadOnlyCollection<int> pids) => ByteSize.FromGigabytes(footprint * pids.Count);

        public IReadOnlyDictionary<int, FootprintReading> ReadingsOf(IReadOnlyCollection<int> pids) => throw new NotSupportedException("Nobody asks in these tests.");
    }
}
