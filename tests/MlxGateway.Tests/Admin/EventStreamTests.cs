using System.Buffers;
using System.Text;
using Microsoft.Extensions.Hosting;
using MlxGateway.Admin.Streams;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.Inference;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>Streams that stay open for as long as somebody looks, at a clock that only the test moves.</summary>
public sealed class EventStreamTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly Lifetime _lifetime = new();
    private readonly ClientExchange _client = new();
    private readonly Feed _feed = new();

    public void Dispose()
    {
        _lifetime.Dispose();
        _feed.Dispose();
    }

    [Fact]
    public async Task Run_NothingHappens_SendsItsHeadersAndASignOfLifeAtOnce()
    {
        var stream = RunAsync();

        await UntilPulsesAsync(1);
        Assert.Equal(("text/event-stream", "no-cache"), (_client.Response.ContentType, _client.Response.Headers.CacheControl.ToString()));

        await EndAsync(stream);
    }

    [Fact]
    public async Task Run_OpenForAnHour_ShowsThatItLivesAndLeavesNothingBehind()
    {
        var stream = RunAsync();
        for (var pulses = 1; pulses <= 240; pulses++)
        {
            await UntilPulsesAsync(pulses);
            await _time.TimerWithinAsync(EventStream.Interval, TestContext.Current.CancellationToken);
            _feed.Add($"data: {pulses}\n\n");
            _time.Advance(EventStream.Interval);
        }

        await UntilPulsesAsync(241);
        await Gateway.UntilAsync(() => _feed.Written == 240);
        Assert.Equal(1, _feed.Waiting); // one wait at a time, however often the other one was over first
        await EndAsync(stream);

        Assert.False(_time.TimerWithinAsync(TimeSpan.FromDays(1), CancellationToken.None).IsCompleted);
        await Gateway.UntilAsync(() => _feed.Waiting == 0);
        Assert.True(_feed.IsDisposed);
        Assert.Equal(240, _client.Received.Split("data: ").Length - 1);
    }

    [Fact]
    public async Task Run_GatewayStops_EndsAndDoesNotHoldItUp()
    {
        var stream = RunAsync();
        await UntilPulsesAsync(1);

        _lifetime.Stop();

        await stream.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.False(_client.IsAborted);
        Assert.True(_feed.IsDisposed);
    }

    [Fact]
    public async Task Run_ReaderTakesNothingForMinutes_CountsAsGone()
    {
        var obstacle = new TaskCompletionSource();
        _client.Obstacle = obstacle.Task;
        var stream = RunAsync();

        // The first timer that is seen may be that of the next sign of life, and the clock is moved before the one that is meant is set; then that comes next.
        while (!stream.IsCompleted)
        {
            await Task.WhenAny(stream, _time.TimerWithinAsync(EventStream.Patience, TestContext.Current.CancellationToken));
            _time.Advance(EventStream.Patience);
        }

        await stream.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.True(_client.IsAborted);
        Assert.True(_feed.IsDisposed);
    }

    [Fact]
    public async Task Run_ReaderIsSlow_WritersNeverWaitAndItIsToldWhatItMissed()
    {
        var obstacle = new TaskCompletionSource();
        _client.Obstacle = obstacle.Task;
        using var lines = new LineFeed(isPlain: false, []);
        var stream = new EventStream(_time, _lifetime).RunAsync(_client.Context, lines);
        await _time.TimerWithinAsync(EventStream.Patience, TestContext.Current.CancellationToken);

        for (var i = 1; i <= 100_000; i++)
        {
            lines.Add($"line {i}"); // on this very thread: whatever waited would wait for ever
        }

        _client.LeavesBehind = "line 100000";
        obstacle.SetResult();
        await stream.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        var told = _client.Received.Split("data: {\"line\"").Length - 1;
        Assert.InRange(told, LineFeed.Most, LineFeed.Most + 1);
        Assert.Contains($"data: {{\"dropped\":{100_000 - told}}}\n\n", _client.Received, StringComparison.Ordinal);
    }

    private Task RunAsync() => new EventStream(_time, _lifetime).RunAsync(_client.Context, _feed);

    private Task UntilPulsesAsync(int count) => Gateway.UntilAsync(() => _feed.Pulses >= count);

    private async Task EndAsync(Task stream)
    {
        _client.Context.Abort();
        await stream.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    private sealed class Feed : IFeed
    {
        private readonly LineFeed _inner = new(isPlain: true, []);
        private int _waiting;
        private int _pulses;
        private int _written;

        public string ContentType => "text/event-stream";

        public ReadOnlyMemory<byte> Pulse
        {
            get
            {
                Interlocked.Increment(ref _pulses);
                return Encoding.UTF8.GetBytes(": pulse\n\n");
            }
        }

        public int Pulses => Volatile.Read(ref _pulses);

        public int Written => Volatile.Read(ref _written);

        public int Waiting => _waiting;

        public bool IsDisposed { get; private set; }

        public void Add(string text) => _inner.Add(text);

        public async Task WaitAsync(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await _inner.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        public bool TryWrite(IBufferWriter<byte> output)
        {
            var wrote = _inner.TryWrite(output);
            _written += wrote ? 1 : 0;
            return wrote;
        }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => throw new NotSupportedException();

        public void Stop() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
