using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Supervision.Tests.Residency;

// Looks every 15 s at a runner that may be silent for two minutes.
public sealed class HangWatchTests : IDisposable
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(15);

    private readonly ManualTimeProvider _clock = new();
    private readonly FakeVitals _vitals = new();
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly Task<string?> _hung;
    private int _leases = 1;
    private TimeSpan _timeout = TimeSpan.FromMinutes(2);

    public HangWatchTests() => _hung = new HangWatch("qwen", _vitals, () => _leases, () => _timeout, _clock, NullLogger.Instance).HungAsync(_end.Token);

    public void Dispose() => _end.Dispose();

    [Fact]
    public async Task Watch_SilentIdleAndDeaf_FindsItOutAfterTheTimeout()
    {
        // The first look sees that it is silent, the ninth that it has been for two minutes.
        await PassAsync(glances: 8);
        Assert.Equal(0, _vitals.Questions);
        await PassAsync(glances: 1);
        Assert.Equal(1, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
        Assert.False(_vitals.IsGivenUp);

        await PassAsync(glances: 1); // the 15 s for the answer

        Assert.Equal("it had not sent a byte nor used the processor for 120 s, and did not answer a question for 15 s.", await _hung);
        Assert.True(_vitals.IsGivenUp);
    }

    [Fact]
    public async Task Watch_ConnectionIsRefused_IsHungToo()
    {
        _vitals.Refuses = true;
        await PassAsync(glances: 9);

        Assert.Equal("it had not sent a byte nor used the processor for 120 s, and a question was refused after 0 s.", await _hung);
    }

    // A prefill: for an hour not a byte, but work.
    [Fact]
    public async Task Watch_SilentButWorking_IsNeverAsked()
    {
        for (var i = 0; i < 240; i++)
        {
            _vitals.Used += Glance * 0.003;
            await PassAsync(glances: 1);
        }

        Assert.Equal(0, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
    }

    // What waits for nothing still wakes now and then.
    [Fact]
    public async Task Watch_NextToNoWork_IsIdle()
    {
        for (var i = 0; i < 10; i++)
        {
            _vitals.Used += Glance * 0.001;
            await PassAsync(glances: 1);
        }

        Assert.NotNull(await _hung);
    }

    [Fact]
    public async Task Watch_SilentAndIdleButAnswers_Lives()
    {
        _vitals.Answers = true;
        await PassAsync(glances: 9);
        Assert.Equal(1, _vitals.Questions);

        // It is not asked at each look from then on: only when it has been silent for as long again.
        await PassAsync(glances: 8);
        Assert.Equal(1, _vitals.Questions);
        await PassAsync(glances: 1);
        Assert.Equal(2, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Watch_SpeaksOrWorksWhileItIsAsked_Lives(bool speaks)
    {
        _vitals.WhileAsked = () =>
        {
            if (speaks)
            {
                _vitals.Speak();
            }
            else
            {
                _vitals.Used += TimeSpan.FromSeconds(1);
            }
        };
        await PassAsync(glances: 10);

        Assert.Equal(1, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
        Assert.False(_vitals.IsGivenUp);
    }

    [Fact]
    public async Task Watch_OneByteNowAndThen_Lives()
    {
        for (var i = 0; i < 40; i++)
        {
            if (i % 7 == 0)
            {
                _vitals.Speak();
            }

            await PassAsync(glances: 1);
        }

        Assert.Equal(0, _vitals.Questions);
    }

    // With a short timeout one tick of the system's clock is more than the share that counts as idle.
    [Fact]
    public async Task Watch_OnlyTheQuestionCostsIt_IsHung()
    {
        _timeout = TimeSpan.FromSeconds(2);
        await PassAsync(glances: 1); // the look that is under way still goes by the old one
        _vitals.WhileAsked = () => _vitals.Used += TimeSpan.FromMilliseconds(20);
        for (var i = 0; i < 40 && !_hung.IsCompleted; i++)
        {
            await RestAsync();
            _clock.Advance(TimeSpan.FromMilliseconds(250));
        }

        Assert.True(_hung.IsCompleted);
        Assert.NotNull(await _hung);
    }

    // Silence counts from the first look that finds it busy.
    [Fact]
    public async Task Watch_IdleForHoursAndThenBusy_HasTheWholeTime()
    {
        _leases = 0;
        await PassAsync(glances: 500);
        _leases = 1;
        await PassAsync(glances: 8);
        Assert.Equal(0, _vitals.Questions);

        await PassAsync(glances: 1);
        Assert.Equal(1, _vitals.Questions);
    }

    [Fact]
    public async Task Watch_WorkCannotBeTold_NeverAsks()
    {
        _vitals.Used = null;
        await PassAsync(glances: 30);

        Assert.Equal(0, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
    }

    // Ranks that have lost one of them compute for ever; and ranks that are well may need long for a step, so they get as long for the answer as for the silence.
    [Fact]
    public async Task Watch_ComputesWhileItWaits_IsAskedForAllItsWork()
    {
        _vitals.WaitsBusily = true;
        for (var i = 0; i < 9; i++)
        {
            await RestAsync();
            _vitals.Used += Glance;
            _clock.Advance(Glance);
        }

        await _clock.TimerWithinAsync(_timeout, TestContext.Current.CancellationToken);
        Assert.Equal(1, _vitals.Questions);
        _vitals.Used += _timeout;
        _clock.Advance(_timeout - Glance);
        Assert.False(_hung.IsCompleted);

        _clock.Advance(Glance);

        Assert.Equal("it had not sent a byte for 120 s, and did not answer a question for 120 s.", await _hung);
        Assert.True(_vitals.IsGivenUp);
    }

    [Fact]
    public async Task Watch_ComputesWhileItWaitsButAnswers_Lives()
    {
        (_vitals.WaitsBusily, _vitals.Answers) = (true, true);
        await PassAsync(glances: 9);

        Assert.Equal(1, _vitals.Questions);
        Assert.False(_hung.IsCompleted);
    }

    [Fact]
    public async Task Watch_TimeoutOfZero_NeverAsksUntilItIsConfigured()
    {
        _timeout = TimeSpan.Zero;
        await PassAsync(glances: 100);
        Assert.Equal(0, _vitals.Questions);

        // The look that is under way still goes by the old one.
        _timeout = TimeSpan.FromMinutes(2);
        await PassAsync(glances: 9);
        Assert.Equal(0, _vitals.Questions);
        await PassAsync(glances: 1);
        Assert.Equal(1, _vitals.Questions);
    }

    // The machine slept: the watch was as silent as the runner.
    [Fact]
    public async Task Watch_LooksTooLate_BelievesNoSilence()
    {
        await PassAsync(glances: 5);
        await RestAsync();
        _clock.Jump(TimeSpan.FromHours(8));
        await PassAsync(glances: 8);
        Assert.Equal(0, _vitals.Questions);
    }

    [Fact]
    public async Task Watch_Ended_SaysNothing()
    {
        await PassAsync(glances: 3);
        await _end.CancelAsync();

        Assert.Null(await _hung);
    }

    private async Task PassAsync(int glances)
    {
        for (var i = 0; i < glances; i++)
        {
            await RestAsync();
            _clock.Advance(Glance);
        }

        await RestAsync();
    }

    private async Task RestAsync() => await Task.WhenAny(_hung, _clock.TimerWithinAsync(Glance, TestContext.Current.CancellationToken));
}
