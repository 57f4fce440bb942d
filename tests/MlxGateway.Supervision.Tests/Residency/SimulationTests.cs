using MlxGateway.Simulation;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// A short run of what tests/MlxGateway.Simulation runs for as long as one likes. What is judged, and how, is in its Referee.
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 200;
    private const int Events = 500;

    [Fact]
    public void Pool_AnyWorld_BreaksNoLaw()
    {
        long granted = 0;
        long launches = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            var world = new World((ulong)seed, Events);
            try
            {
                world.Run();
            }
            catch (BreachException breach)
            {
                Assert.Fail($"seed {seed}: {breach.Message}\n{string.Join('\n', world.Trace.Last().TakeLast(40))}\ndotnet run -c Release --project tests/MlxGateway.Simulation -- --seed {seed} --events {Events} --verbose");
            }

            granted += world.Referee.Grants;
            launches += world.Referee.Launches;
        }

        // A world in which nothing happens proves nothing.
        output.WriteLine($"{granted} leases, {launches} launches");
        Assert.True(granted > Seeds * 30, $"only {granted} leases");
        Assert.True(launches > Seeds * 5, $"only {launches} launches");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(30)]
    public void World_SameSeed_IsTheSameHistory(ulong seed) => Assert.Equal(HistoryOf(seed), HistoryOf(seed));

    [Fact]
    public void World_OtherSeed_IsAnotherHistory() => Assert.NotEqual(HistoryOf(1), HistoryOf(2));

    private static (ulong Hash, long Events, long Turns) HistoryOf(ulong seed)
    {
        var world = new World(seed, Events);
        world.Run();
        return (world.Trace.Hash, world.Trace.Count, world.Thread.Turns);
    }
}
