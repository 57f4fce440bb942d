using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class LaunchPatienceTests : IAsyncDisposable
{
    private readonly Nursery _nursery = new();
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task IsOver_WhilePreparationsAreMade_DoesNotCountThem()
    {
        var isPreparing = true;
        var over = LaunchPatience.IsOverAsync(TimeSpan.FromSeconds(2.5), () => isPreparing, _clock, Nursery.Patience());
        await PassAsync(100, 1);
        Assert.False(over.IsCompleted);

        isPreparing = false;
        await PassAsync(2, 1);
        Assert.False(over.IsCompleted);
        await PassAsync(1, 0.5);
        await over.WaitAsync(Nursery.Patience());
    }

    [Fact]
    public async Task Launch_ThatIsNotReadyWithinItsKindsBound_FailsAndLeavesNobody()
    {
        var kind = new TestKind((_, _) => TestKind.Shell($"echo still loading; : > '{_nursery.In("said")}'; exec sleep 600") with { ReadyWithin = TimeSpan.FromMilliseconds(300) });

        var launching = _nursery.Launcher(_clock, kind).LaunchAsync(new ModelSpec { Id = "m", Runner = "test" }, LaunchShape.Free, 1, Nursery.Patience());
        await Processes.Household.Until(() => File.Exists(_nursery.In("said")), "it has said what it does");
        await PassAsync(1, 0.3);
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => launching);

        Assert.StartsWith("The runner of model 'm' was not ready within 0.3 s; Residency:LaunchTimeout gives it longer. ", failed.Message, StringComparison.Ordinal);
        Assert.Contains("still loading", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_WhereTheGeneralBoundIsConfigured_IsNone()
    {
        var plan = TestKind.Shell("") with { ReadyWithin = TimeSpan.FromSeconds(120) };

        Assert.Null(new LaunchPatience(static () => true).Of(plan));
        Assert.Equal(plan.ReadyWithin, new LaunchPatience(static () => false).Of(plan));
    }

    public ValueTask DisposeAsync() => _nursery.DisposeAsync();

    private async Task PassAsync(int times, double seconds)
    {
        for (var i = 0; i < times; i++)
        {
            await _clock.TimerWithinAsync(TimeSpan.FromSeconds(seconds), Nursery.Patience());
            _clock.Advance(TimeSpan.FromSeconds(seconds));
        }
    }
}
