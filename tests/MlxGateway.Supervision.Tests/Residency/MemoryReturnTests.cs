using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

public sealed class MemoryReturnTests : IAsyncDisposable
{
    private const int FirstPid = 101; // as the launcher counts

    private readonly ManualTimeProvider _clock = new();
    private readonly FakeGauge _gauge = new();
    private readonly FakeSpares _spares = new();
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly ModelPool _pool;
    private int _readings;

    public MemoryReturnTests()
    {
        _patience.CancelAfter(TimeSpan.FromSeconds(60));
        _pool = new ModelPool(new ResidencyOptions(), new FakeLauncher(), new RecordingReadAhead(), _gauge, null, _clock, TaskScheduler.Default, NullLogger<ModelPool>.Instance, _spares);
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.StopAsync(_patience.Token);
        _patience.Dispose();
    }

    [Fact]
    public async Task Runner_Gone_TheModelIsGoneWhenThreeQuartersOfItsMemoryAreSeen()
    {
        Backs(1, 1, 3, 5.4, 5.5, 9);
        await ServeAsync(gigabytes: 6);
        var unloading = _pool.UnloadAsync("qwen", _patience.Token);
        foreach (var readings in (int[])[2, 3, 4])
        {
            await TickAsync();
            Assert.Equal(readings, _readings);
            Assert.False(unloading.IsCompleted);
            _clock.Advance(MemoryReturn.Interval);
        }

        await unloading;
        Assert.Equal(5, _readings);
    }

    [Fact]
    public async Task Runner_MemoryNeverComesBack_IsWaitedForTwoSecondsAndNoLonger()
    {
        Backs(1);
        await ServeAsync(gigabytes: 6);
        var began = _clock.GetUtcNow();
        var unloading = _pool.UnloadAsync("qwen", _patience.Token);
        while (!unloading.IsCompleted)
        {
            await Task.WhenAny(unloading, TickAsync());
            if (!unloading.IsCompleted)
            {
                _clock.Advance(MemoryReturn.Interval);
            }
        }

        Assert.InRange(_clock.GetUtcNow() - began, MemoryReturn.Longest, MemoryReturn.Longest + (MemoryReturn.Interval * 3));
    }

    [Theory]
    [InlineData(0.05, false)] // what comes and goes by itself
    [InlineData(6, true)] // died: its memory is back before anybody asked
    public async Task Runner_NothingToWaitFor_IsGoneAtOnce(double gigabytes, bool died)
    {
        Backs(1);
        var lease = await ServeAsync(gigabytes);
        if (died)
        {
            ((FakeRunner)lease.Runner).Die("signal 9 (SIGKILL)");
        }

        await _pool.UnloadAsync("qwen", _patience.Token); // the clock stands still
    }

    [Fact]
    public async Task Runner_AnotherModelIsLoadedMeanwhile_IsNotWaitedForAndComesBackAtOnce()
    {
        Backs(1); // what comes back is taken by the other one
        await ServeAsync(gigabytes: 3, needs: 3);
        (await _pool.AcquireAsync(Spec("gemma", needs: 3), _patience.Token)).Dispose();

        // At once: the clock stands still. Otherwise it would wait until its own earlier launch were over.
        (await _pool.AcquireAsync(Spec("qwen", needs: 3), _patience.Token)).Dispose();
    }

    [Fact]
    public async Task Gauge_CannotSay_NothingIsWaitedFor()
    {
        _gauge.Availables = () => throw new IOException("no meminfo today");
        await ServeAsync(gigabytes: 6);

        await _pool.UnloadAsync("qwen", _patience.Token);
    }

    [Fact]
    public async Task Spare_Waits_ItsMemoryIsTheModelsOwnAndItHearsOfWhatIsFree()
    {
        _spares.Pid = 77;
        await ServeAsync(gigabytes: 1);
        await UntilAsync(() => _spares.Free == ByteSize.FromGigabytes(10 - 6));
        _gauge.Usable = 7;
        var looks = _gauge.Observed.Count;
        _clock.Advance(SpareAllowance.Interval);
        await UntilAsync(() => _spares.Free == ByteSize.FromGigabytes(7 - 6));
        Assert.All(_gauge.Observed.Skip(looks), pids => Assert.Equal([77, FirstPid], pids.Order()));

        // Taken by a launch, it is counted as that.
        _spares.Pid = FirstPid;
        looks = _gauge.Observed.Count;
        _gauge.Usable = 8;
        _clock.Advance(SpareAllowance.Interval);
        await UntilAsync(() => _spares.Free == ByteSize.FromGigabytes(8 - 6));
        Assert.All(_gauge.Observed.Skip(looks), pids => Assert.Equal([FirstPid], pids));

        // Nobody waits: nothing is read for it.
        _spares.Pid = null;
        looks = _gauge.Observed.Count;
        _clock.Advance(SpareAllowance.Interval * 3);
        Assert.Equal(looks, _gauge.Observed.Count);
        await _pool.StopAsync(_patience.Token);
        Assert.True(_spares.Free <= ByteSize.Zero);
    }

    private void Backs(params double[] gigabytes) => _gauge.Availables = () => gigabytes[Math.Min(Interlocked.Increment(ref _readings), gigabytes.Length) - 1];

    private Task TickAsync() => _clock.TimerWithinAsync(MemoryReturn.Interval, _patience.Token);

    // Ready, and looked at for the first time.
    private async Task<ModelLease> ServeAsync(double gigabytes, double needs = 6)
    {
        _gauge.Footprints[FirstPid] = new FootprintReading(ByteSize.FromGigabytes(gigabytes), ByteSize.Zero, ByteSize.FromGigabytes(gigabytes));
        await _pool.StartAsync(_patience.Token);
        var lease = await _pool.AcquireAsync(Spec("qwen", needs), _patience.Token);
        await UntilAsync(() => _gauge.Looks > 0);
        lease.Dispose();
        return lease;
    }

    private static ModelSpec Spec(string id, double needs) => new() { Id = id, Runner = "fake", Memory = ByteSize.FromGigabytes(needs) };

    private async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            _patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class FakeSpares : ISpareRunners
    {
        private long _free = -1;

        public int? Pid { get; set; }

        public ByteSize Free => new(Interlocked.Read(ref _free));

        public void Allow(ByteSize free) => Interlocked.Exchange(ref _free, free.Bytes);
    }
}
