using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// How live runners are looked at, and what is learned of them, with runners that are no processes and a clock that stands still.
public sealed class FootprintWatchTests : IAsyncDisposable
{
    private const int FirstPid = 101; // as the launcher counts

    private readonly ModelSpec _qwen = new() { Id = "qwen", Runner = "fake" };
    private readonly ManualTimeProvider _clock = new();
    private readonly FakeGauge _gauge = new();
    private readonly FakeLauncher _launcher = new();
    private readonly FakeRecords _records = new();
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly ModelPool _pool;
    private Task? _start;

    public FootprintWatchTests()
    {
        _patience.CancelAfter(TimeSpan.FromSeconds(60));
        _pool = new ModelPool(new ResidencyOptions(), _launcher, new RecordingReadAhead(), _gauge, _records, _clock, TaskScheduler.Default, NullLogger<ModelPool>.Instance);
    }

    private CancellationToken Token => _patience.Token;

    public async ValueTask DisposeAsync()
    {
        await _pool.StopAsync(Token);
        _patience.Dispose();
    }

    [Fact]
    public async Task Runner_TakesMoreThanItIsCountedWith_CountsWithThatFromTheFirstLookOn()
    {
        See(7, 7);
        using var lease = await ServeAsync();
        await PlannedAsync(7);

        See(8, 8);
        _clock.Advance(FootprintWatch.Interval);
        await PlannedAsync(8);

        See(3, 9);
        _clock.Advance(FootprintWatch.Interval);
        See(8.5, 9);
        _clock.Advance(FootprintWatch.Interval);
        await PlannedAsync(8.5);
    }

    [Fact]
    public async Task Runner_ServedARequest_TeachesWhatItTookLoadedAndAtMost()
    {
        See(7, 7.5);
        using (await ServeAsync())
        {
            await PlannedAsync(7);
            See(8, 9);
            _clock.Advance(FootprintWatch.Interval);
            await PlannedAsync(8);
            Assert.Empty(_records.Lessons); // the request may yet kill it
        }

        See(8, 9.5);
        _clock.Advance(FootprintWatch.Interval);
        await LessonsAsync(1);
        Assert.Equal(("qwen", Lesson(7, 9.5, isFirst: true)), Assert.Single(_records.Lessons));
        See(8, 9.7);
        await _pool.UnloadAsync("qwen", Token);

        Assert.Equal(("qwen", Lesson(7, 9.7, isFirst: false)), _records.Lessons.Last());
    }

    [Fact]
    public async Task Runner_StoppedBeforeTheFirstInterval_HasTaught()
    {
        See(7, 7);
        using (await ServeAsync())
        {
            await PlannedAsync(7);
        }

        See(7, 8);
        await _pool.UnloadAsync("qwen", Token);

        Assert.Equal(("qwen", Lesson(7, 8, isFirst: true)), Assert.Single(_records.Lessons));
    }

    [Fact]
    public async Task Runner_ServedNothing_TeachesNothing()
    {
        See(5, 5);
        var lease = await ServeAsync();
        _clock.Advance(FootprintWatch.Interval);
        await _pool.StopAsync(Token);

        Assert.True(lease.Revocation.Token.IsCancellationRequested);
        Assert.Empty(_records.Lessons);
    }

    [Fact]
    public async Task Runner_NeverSeen_TeachesNothing()
    {
        (await ServeAsync()).Dispose();
        _clock.Advance(FootprintWatch.Interval);
        await _pool.UnloadAsync("qwen", Token);

        Assert.Empty(_records.Lessons);
    }

    // Whatever has its number by then is another process.
    [Fact]
    public async Task Runner_DiedByItself_TeachesWhatWasSeenUntilThen()
    {
        See(7, 7);
        using (await ServeAsync())
        {
            await PlannedAsync(7);
        }

        See(50, 50);
        (await _launcher.NextAsync(Token)).Runner.Die("signal 9 (SIGKILL)");
        await LessonsAsync(1);

        Assert.Equal(("qwen", Lesson(7, 7, isFirst: true)), Assert.Single(_records.Lessons));
    }

    [Fact]
    public async Task Gauge_Fails_RunnersAreServedAndStoppedAllTheSame()
    {
        _gauge.CannotLook = () => new IOException("no /proc today");
        (await ServeAsync()).Dispose();
        _clock.Advance(FootprintWatch.Interval);
        await _pool.UnloadAsync("qwen", Token);

        Assert.Empty(_records.Lessons);
        _gauge.CannotLook = null;
        See(5, 5, FirstPid + 1);
        (await ServeAsync()).Dispose();
        await _pool.UnloadAsync("qwen", Token);
        Assert.NotEmpty(_records.Lessons);
    }

    [Fact]
    public async Task Clock_NobodyLives_LooksAtNothing()
    {
        See(5, 5);
        (await ServeAsync()).Dispose();
        _clock.Advance(FootprintWatch.Interval);
        await _pool.UnloadAsync("qwen", Token);
        var looks = _gauge.Looks;

        _clock.Advance(FootprintWatch.Interval * 5);
        Assert.Equal(looks, _gauge.Looks);
    }

    // The launcher is ready in no time at all.
    private static FootprintLesson Lesson(double loaded, double peak, bool isFirst) => new(ByteSize.FromGigabytes(loaded), ByteSize.FromGigabytes(peak), isFirst) { LoadTime = TimeSpan.Zero };

    // Half of it in files.
    private void See(double taken, double peak, int pid = FirstPid) =>
        _gauge.Footprints[pid] = new FootprintReading(ByteSize.FromGigabytes(taken / 2), ByteSize.FromGigabytes(taken / 2), ByteSize.FromGigabytes(peak));

    // Ready, and looked at for the first time.
    private async Task<ModelLease> ServeAsync()
    {
        await (_start ??= _pool.StartAsync(Token));
        var looks = _gauge.Looks;
        var lease = await _pool.AcquireAsync(_qwen, Token);
        await UntilAsync(() => _gauge.Looks > looks);
        return lease;
    }

    private Task LessonsAsync(int count) => UntilAsync(() => _records.Lessons.Count >= count);

    private Task PlannedAsync(double gigabytes) => UntilAsync(() => _pool.Snapshot.Planned == ByteSize.FromGigabytes(gigabytes));

    private async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
