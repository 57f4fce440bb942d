using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// Whatever happens, in whatever order, the laws hold. What is checked, and how, is in Storm.
public sealed class ResidencyStormTests(ITestOutputHelper output)
{
    private const int Seeds = 200;

    [Fact]
    public void Apply_AnythingInAnyOrder_KeepsEveryLawAndLeavesNobodyWaiting()
    {
        var granted = 0;
        var launches = 0;
        var grown = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var storm = new Storm(seed);
            for (var round = 0; round < 3; round++)
            {
                storm.Rage(250);
                storm.Calm();
            }

            storm.Rage(100);
            storm.ShutDown();
            granted += storm.Granted;
            launches += storm.Launches;
            grown += storm.Grown;
        }

        // A storm in which nothing happens proves nothing.
        output.WriteLine($"{granted} leases, {launches} launches, {grown} looks at runners that take more than they need");
        Assert.True(granted > Seeds * 50, $"only {granted} leases");
        Assert.True(launches > Seeds * 20, $"only {launches} launches");
        Assert.True(grown > Seeds * 5, $"only {grown} runners that grew");
    }
}
