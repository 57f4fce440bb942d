using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// The loop around the ledger, with runners that are no processes and a clock that stands still.
public sealed class ModelPoolTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ModelSpec _qwen = new() { Id = "qwen", Runner = "fake" };
    private readonly ModelSpec _gemma = new() { Id = "gemma", Runner = "fake" };
    private readonly ResidencyOptions _options = new() { SwapPatience = TimeSpan.Zero };
    private readonly ManualTimeProvider _clock = new();
    private readonly FakeRecords _records = new();
    private readonly FakeGauge _gauge = new();

    // A busy machine may be slow; one that is stuck should not hold up the others for ever.
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private ModelPool? _pool;

    public ModelPoolTests() => _patience.CancelAfter(TimeSpan.FromSeconds(60));

    private CancellationToken Token => _patience.Token;

    public async ValueTask DisposeAsync()
    {
        if (_pool is not null)
        {
            await _pool.StopAsync(Token);
        }

        _patience.Dispose();
    }

    [Fact]
    public async Task AcquireAsync_TwoModelsThatDoNotFitTogether_SwapsAndNeverOverlaps()
    {
        var launcher = new FakeLauncher();
        var pool = await StartAsync(launcher);

        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(
            async () =>
            {
                using var lease = await pool.AcquireAsync(i % 2 == 0 ? _qwen : _gemma, Token);
                await Task.Yield();
            },
            Token)));

        Assert.Equal(1, launcher.MostAliveAtOnce);
        await pool.StopAsync(Token);
        Assert.Equal(0, launcher.Alive);
    }

    // Law 9.
    [Fact]
    public async Task AcquireAsync_CallerLeavesWhileItsModelLoads_TheLoadGoesOn()
    {
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        using var hangUp = new CancellationTokenSource();
        var asking = pool.AcquireAsync(_qwen, hangUp.Token);
        var order = await launcher.NextAsync(Token);

        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        order.Succeed();
        order.MayStop.SetResult();

        using var lease = await pool.AcquireAsync(_qwen, Token);
        Assert.Equal(1, lease.Launch);
        Assert.Same(order.Runner, lease.Runner);
    }

    // Law 6: a lease granted to a caller who has just hung up must come back by itself, or the model could never leave.
    [Fact]
    public async Task AcquireAsync_CallersHangUpAtRandom_LeavesNoLeaseBehind()
    {
        var pool = await StartAsync(new FakeLauncher());
        (await pool.AcquireAsync(_qwen, Token)).Dispose();
        await Parallel.ForEachAsync(Enumerable.Range(0, 3000), Token, async (i, _) =>
        {
            using var hangUp = new CancellationTokenSource();
            var asking = pool.AcquireAsync(_qwen, hangUp.Token);
            Thread.SpinWait(i % 300);
            await hangUp.CancelAsync();
            try
            {
                (await asking).Dispose();
            }
            catch (OperationCanceledException)
            {
            }
        });

        // It drains before it stops, so this completes only if every lease has come back.
        await pool.UnloadAsync("qwen", Token);
    }

    [Fact]
    public async Task Runner_HangsUnderALease_IsReplacedAndSaysHowThatShowed()
    {
        var launcher = new FakeLauncher { Vitals = new FakeVitals() };
        var pool = await StartAsync(launcher);
        using var hung = await pool.AcquireAsync(_qwen, Token);
        var revoked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var watching = hung.Revocation.Token.Register(revoked.SetResult);

        // Two minutes of silence, seen at looks 15 s apart, and 15 s for the answer.
        while (!revoked.Task.IsCompleted)
        {
            await Task.WhenAny(revoked.Task, _clock.TimerWithinAsync(TimeSpan.FromSeconds(15), Token));
            _clock.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.Equal(RevocationReason.RunnerGone, hung.Revocation.Reason);
        Assert.StartsWith("it had not sent a byte nor used the processor for ", hung.Revocation.Detail, StringComparison.Ordinal);
        Assert.True(launcher.Vitals.IsGivenUp);
        using var next = await pool.AcquireAsync(_qwen, Token);
        Assert.Equal(2, next.Launch);
    }

    [Theory]
    [InlineData(1, true, "the system killed it for memory: signal 9")]
    [InlineData(0, true, "signal 9")] // somebody else's SIGKILL
    [InlineData(1, false, "signal 9")] // it ended by itself, and the system killed something else
    public async Task Runner_IsKilled_TheSystemIsBlamedOnlyIfItCountsAKill(int kills, bool wasKilled, string how)
    {
        _gauge.Kills = 5;
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        var order = await launcher.NextAsync(Token);
        order.MayStop.SetResult();
        order.Succeed();
        using var lease = await asking;
        _gauge.Kills += kills;
        var revoked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var watching = lease.Revocation.Token.Register(revoked.SetResult);

        order.Runner.Die("signal 9", wasKilled);

        await revoked.Task.WaitAsync(Token);
        Assert.Equal(how, lease.Revocation.Detail);
    }

    [Fact]
    public async Task AcquireAsync_LaunchFails_SaysWhy()
    {
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        (await launcher.NextAsync(Token)).Fail(new LaunchFailedException("exit code 1: no such file: weights.gguf"));

        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => asking);

        Assert.Equal(RefusalReason.LaunchFailed, refused.Reason);
        Assert.Contains("weights.gguf", refused.Message, StringComparison.Ordinal);
        Assert.Equal(ResidentState.Cooling, await StateAsync("qwen", s => s is ResidentState.Cooling));
    }

    [Fact]
    public async Task AcquireAsync_LauncherThrowsBeforeItAwaits_OnlyThatLaunchFails()
    {
        var launcher = new FakeLauncher { ThrowsAtOnce = () => new InvalidOperationException("a defect") };
        var pool = await StartAsync(launcher);

        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => pool.AcquireAsync(_qwen, Token));
        Assert.Contains("a defect", refused.Message, StringComparison.Ordinal);

        launcher.ThrowsAtOnce = null;
        (await pool.AcquireAsync(_gemma, Token)).Dispose();
    }

    [Fact]
    public async Task AcquireAsync_NeedCannotBeWorkedOut_OnlyThatCallerHearsOfIt()
    {
        var pool = await StartAsync(new FakeLauncher());
        _gauge.CannotEstimate = () => new InvalidOperationException("a defect");
        await Assert.ThrowsAsync<InvalidOperationException>(() => pool.AcquireAsync(_qwen, Token));

        _gauge.CannotEstimate = null;
        (await pool.AcquireAsync(_qwen, Token)).Dispose();
    }

    [Fact]
    public async Task AcquireAsync_MemoryCannotBeReadAtFirst_WaitsUntilItCan()
    {
        var pool = await StartAsync(new FakeLauncher());
        _gauge.Breaks = () => new InvalidOperationException("a defect");
        var asking = pool.AcquireAsync(_qwen, Token);
        await _clock.TimerWithinAsync(Second, Token);
        Assert.False(asking.IsCompleted);

        _gauge.Breaks = null;
        _clock.Advance(Second);

        (await asking).Dispose();
    }

    [Fact]
    public async Task AcquireAsync_OtherProgramsHoldTheMemory_IsRefusedAfterAWhile()
    {
        var pool = await StartAsync(new FakeLauncher());
        _gauge.Usable = 2;
        var asking = pool.AcquireAsync(_qwen, Token);
        while (!asking.IsCompleted)
        {
            await Task.WhenAny(asking, _clock.TimerWithinAsync(Second, Token));
            _clock.Advance(Second);
        }

        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => asking);
        Assert.Equal(RefusalReason.InsufficientMemoryNow, refused.Reason);
        Assert.Equal(ByteSize.FromGigabytes(2), refused.Shortage!.Available);
    }

    [Fact]
    public async Task AcquireAsync_TakesNoReadingForAReadyModel()
    {
        var pool = await StartAsync(new FakeLauncher());
        (await pool.AcquireAsync(_qwen, Token)).Dispose();
        await StateAsync("qwen", s => s is ResidentState.Ready);
        var before = _gauge.Observed.Count;
        _gauge.CannotEstimate = () => new InvalidOperationException("Nobody should ask.");

        for (var i = 0; i < 100; i++)
        {
            (await pool.AcquireAsync(_qwen, Token)).Dispose();
        }

        Assert.Equal(before, _gauge.Observed.Count);
    }

    [Fact]
    public async Task StopRunner_MemoryIsReadAgainWithoutTheOldProcessBeforeTheNextLaunch()
    {
        var launcher = new FakeLauncher();
        var pool = await StartAsync(launcher);
        (await pool.AcquireAsync(_qwen, Token)).Dispose();
        var old = (await launcher.NextAsync(Token)).Runner.Pid;
        await pool.UnloadAsync("qwen", Token);

        Assert.Contains(_gauge.Observed, pids => !pids.Contains(old));
        Assert.DoesNotContain(old, _gauge.Observed[^1]);

        (await pool.AcquireAsync(_gemma, Token)).Dispose();
        var next = (await launcher.NextAsync(Token)).Runner.Pid;
        _clock.Advance(Second);
        var asking = pool.AcquireAsync(_qwen, Token);
        (await asking).Dispose();
        Assert.Contains(_gauge.Observed, pids => pids.SequenceEqual([next]));
    }

    // Law 4.
    [Fact]
    public async Task UnloadAsync_CompletesWhenTheProcessIsGoneAndNotBefore()
    {
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        var order = await launcher.NextAsync(Token);
        order.Succeed();
        var lease = await asking;

        var unloading = pool.UnloadAsync("qwen", Token);
        lease.Dispose();
        await order.StopAsked.Task.WaitAsync(Token);
        Assert.False(unloading.IsCompleted);

        // There is a process as long as it is not gone, and people want to know which.
        await StateAsync("qwen", s => s is ResidentState.Stopping);
        Assert.Equal(order.Runner.Pid, Assert.Single(pool.Snapshot.Models).Pid);

        var readings = _gauge.Observed.Count;
        order.MayStop.SetResult();
        await unloading;
        Assert.Empty(pool.Snapshot.Models); // or a list that is fetched at once would still have it
        Assert.Equal(0, launcher.Alive);

        // Whoever is launched next is measured against what has become free.
        Assert.Equal(readings + 1, _gauge.Observed.Count);
        Assert.Empty(_gauge.Observed[^1]);
    }

    [Fact]
    public async Task UnloadAsync_UnknownModel_CompletesAtOnce()
    {
        var pool = await StartAsync(new FakeLauncher());

        await pool.UnloadAsync("nobody", Token);

        Assert.Empty(pool.Snapshot.Models);
    }

    [Fact]
    public async Task RunnerGone_ByItself_RevokesItsLeasesAndTheNextRequestGetsANewRunner()
    {
        var launcher = new FakeLauncher();
        var pool = await StartAsync(launcher);
        using var lease = await pool.AcquireAsync(_qwen, Token);
        var revoked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lease.Revocation.Token.Register(revoked.SetResult);

        (await launcher.NextAsync(Token)).Runner.Die("signal 11 (SIGSEGV)");
        await revoked.Task.WaitAsync(Token);

        Assert.Equal(RevocationReason.RunnerGone, lease.Revocation.Reason);
        using var next = await pool.AcquireAsync(_qwen, Token);
        Assert.Equal(2, next.Launch);
        Assert.False(next.Revocation.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task LaunchTimeout_IsOver_CancelsTheLaunch()
    {
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        await launcher.NextAsync(Token);
        await _clock.TimerWithinAsync(_options.LaunchTimeout, Token);

        _clock.Advance(_options.LaunchTimeout);

        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => asking);
        Assert.Contains("did not become ready within 600 s", refused.Message, StringComparison.Ordinal);
        await StateAsync("qwen", s => s is ResidentState.Cooling);
        Assert.Equal(0, launcher.Alive);
    }

    [Fact]
    public async Task IdleTimeout_IsOver_StopsTheModel()
    {
        var launcher = new FakeLauncher();
        var pool = await StartAsync(launcher);
        (await pool.AcquireAsync(_qwen, Token)).Dispose();
        var order = await launcher.NextAsync(Token);
        await pool.UnloadAsync("nobody", Token);
        await _clock.TimerWithinAsync(_options.IdleTimeout, Token);

        // The alarm may have been set while the lease was out; then it is set once more.
        while (!order.StopAsked.Task.IsCompleted)
        {
            _clock.Advance(_options.IdleTimeout);
            await Task.WhenAny(order.StopAsked.Task, _clock.TimerWithinAsync(_options.IdleTimeout, Token));
        }

        await order.StopAsked.Task;
    }

    [Fact]
    public async Task Snapshot_ShowsWhereEverybodyStandsAndTheLeasesOfThisMoment()
    {
        var launcher = new FakeLauncher { ByItself = false };
        _options.SwapPatience = TimeSpan.FromMinutes(5);
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        var order = await launcher.NextAsync(Token);
        order.MayStop.SetResult();
        await StateAsync("qwen", s => s is ResidentState.Launching);
        order.Succeed();
        using var first = await asking;
        using var hangUp = new CancellationTokenSource();
        var waiting = pool.AcquireAsync(_gemma, hangUp.Token);
        await StateAsync("gemma", s => s is ResidentState.Absent);
        using var second = await pool.AcquireAsync(_qwen, Token);

        var shot = pool.Snapshot;

        Assert.Equal(
            [
                new ResidentSnapshot("gemma", ResidentState.Absent, "fake", null, null, 0, 1, shot.Models[0].Since, ByteSize.Zero) { Spec = _gemma },
                new ResidentSnapshot("qwen", ResidentState.Ready, "fake", order.Runner.Pid, order.Runner.Address.Port, 2, 0, _clock.GetUtcNow(), ByteSize.FromGigabytes(6))
                {
                    Need = new MemoryNeed(ByteSize.FromGigabytes(6), "as configured"),
                    Spec = _qwen,
                    LoadTime = TimeSpan.Zero,
                },
            ],
            shot.Models);
        Assert.Equal(ByteSize.FromGigabytes(6), shot.Planned);
        Assert.Equal(new MemoryObservation(ByteSize.FromGigabytes(10), ByteSize.FromGigabytes(10)), shot.Memory);
        Assert.False(shot.IsShuttingDown);
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    // A lease that nobody gives back is forgotten by the books of a model whose runner goes. Here it is not.
    [Fact]
    public async Task ExplainAsync_LeasesOfRunnersThatHaveGone_AreOutUntilTheyComeBack()
    {
        var launcher = new FakeLauncher { ByItself = false };
        var pool = await StartAsync(launcher);
        var asking = pool.AcquireAsync(_qwen, Token);
        var order = await launcher.NextAsync(Token);
        order.MayStop.SetResult();
        order.Succeed();
        var waited = await asking;
        var atOnce = await pool.AcquireAsync(_qwen, Token);
        Assert.Equal(2, (await pool.ExplainAsync(Token)).LeasesOut);

        // Its state after the death is there for a moment only, and may be over before anybody looks.
        var revoked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var watching = waited.Revocation.Token.Register(revoked.SetResult);
        order.Runner.Die("it was killed");
        await revoked.Task.WaitAsync(Token);

        Assert.Equal(2, (await pool.ExplainAsync(Token)).LeasesOut);
        waited.Dispose();
        waited.Dispose();
        Assert.Equal(1, (await pool.ExplainAsync(Token)).LeasesOut);
        atOnce.Dispose();
        Assert.Equal(0, (await pool.ExplainAsync(Token)).LeasesOut);
    }

    [Fact]
    public async Task ShutDownAsync_LetsRunningRequestsFinishForAWhileAndThenTakesTheLeasesBack()
    {
        var launcher = new FakeLauncher();
        var pool = await StartAsync(launcher);
        using var lease = await pool.AcquireAsync(_qwen, Token);

        var shutdown = pool.ShutDownAsync(TimeSpan.FromSeconds(20));
        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => pool.AcquireAsync(_qwen, Token));
        Assert.Equal(RefusalReason.ShuttingDown, refused.Reason);
        Assert.False(lease.Revocation.Token.IsCancellationRequested);
        Assert.False(shutdown.IsCompleted);

        await _clock.TimerWithinAsync(TimeSpan.FromSeconds(20), Token);
        _clock.Advance(TimeSpan.FromSeconds(20));
        await shutdown.WaitAsync(Token);

        Assert.Equal(RevocationReason.ShuttingDown, lease.Revocation.Reason);
        Assert.Equal(0, launcher.Alive);
    }

    [Fact]
    public async Task StopAsync_AndLaterRequests_AreRefused()
    {
        var pool = await StartAsync(new FakeLauncher());
        await pool.StopAsync(Token);

        var refused = await Assert.ThrowsAsync<LeaseRefusedException>(() => pool.AcquireAsync(_qwen, Token));

        Assert.Equal(RefusalReason.ShuttingDown, refused.Reason);
        await pool.UnloadAsync("qwen", Token);
    }

    [Fact]
    public async Task AddResidency_RunsThePoolWithTheHost()
    {
        var launcher = new FakeLauncher();
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IRunnerLauncher>(launcher)
            .AddSingleton<IReadAhead>(new RecordingReadAhead())
            .AddSingleton<IMemoryGauge>(_gauge)
            .AddResidency(_options);
        await using var provider = services.BuildServiceProvider();
        var hosted = Assert.Single(provider.GetServices<IHostedService>());
        await hosted.StartAsync(Token);

        using (await provider.GetRequiredService<IModelPool>().AcquireAsync(_qwen, Token))
        {
            Assert.Equal(1, launcher.Alive);
        }

        await hosted.StopAsync(Token);
        Assert.Equal(0, launcher.Alive);
    }

    private async Task<ModelPool> StartAsync(FakeLauncher launcher)
    {
        _pool = new ModelPool(_options, launcher, new RecordingReadAhead(), _gauge, _records, _clock, TaskScheduler.Default, NullLogger<ModelPool>.Instance);
        await _pool.StartAsync(Token);
        return _pool;
    }

    // The loop publishes after it has acted, so what it did may be seen a moment before its state is.
    private async Task<ResidentState> StateAsync(string model, Func<ResidentState, bool> expected)
    {
        while (true)
        {
            Token.ThrowIfCancellationRequested();
            if (_pool!.Snapshot.Models.FirstOrDefault(m => m.Id == model) is { } shown && expected(shown.State))
            {
                return shown.State;
            }

            await Task.Yield();
        }
    }
}
