using System.Globalization;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// Finds out that a ready runner hangs. Busy is not dead: a prefill may be silent for many minutes. So it takes three things together: it serves somebody and has sent nothing
/// for <see cref="ResidencyOptions.HangTimeout"/>, it has computed nothing in that time, and it does not answer a question that only its working part can answer.
/// </summary>
/// <remarks>
/// Computed nothing means: less than 0.2 % of one processor. A prefill on the processor takes whole ones; one on the GPU still prepares each of its steps on the processor, some
/// milliseconds in a second. What hangs in a wait takes none. What hangs while it polls more often than that is not found: rather that than ending one that works. Only where a runner polls
/// all the time by design (<see cref="IVitals.WaitsBusily"/>) the processor is left out: there two things are enough, and the answer may take as long as the silence.
/// </remarks>
internal sealed partial class HangWatch(string model, IVitals vitals, Func<int> leases, Func<TimeSpan> hangTimeout, TimeProvider time, ILogger logger)
{
    private const double LeastShare = 0.002;
    private const int GlancesInTimeout = 8;

    // How long the runner may take to answer the question, but never longer than it may be silent.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);

    // What it may cost a runner to take a connection that it then does nothing with; and the system counts in ticks of 10 ms. Otherwise whoever is asked would look as if it worked.
    private static readonly TimeSpan CostOfQuestion = TimeSpan.FromMilliseconds(50);

    private (long Since, TimeSpan? Used)? _silence;

    /// <summary>Completes when the runner hangs, with how that showed, for a person; null: the watch was ended.</summary>
    public async Task<string?> HungAsync(CancellationToken cancellationToken)
    {
        try
        {
            var last = time.GetTimestamp();
            while (true)
            {
                var timeout = hangTimeout();
                await Task.Delay(PauseFor(timeout), time, cancellationToken);
                var now = time.GetTimestamp();
                if (timeout == TimeSpan.Zero || time.GetElapsedTime(last, now) > PauseFor(timeout) + (timeout / 2))
                {
                    _silence = null; // switched off, or the machine slept, and the runner with it
                }
                else if (await LookAsync(timeout, now, cancellationToken) is { } how)
                {
                    return how;
                }

                last = time.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static TimeSpan PauseFor(TimeSpan timeout)
    {
        var pause = timeout / GlancesInTimeout;
        return timeout == TimeSpan.Zero || pause > LongestPause ? LongestPause : pause < ShortestPause ? ShortestPause : pause;
    }

    private async Task<string?> LookAsync(TimeSpan timeout, long now, CancellationToken cancellationToken)
    {
        if (vitals.HasSpoken() || leases() == 0)
        {
            _silence = null;
        }
        else if (_silence is not { } silence)
        {
            _silence = (now, vitals.ProcessorTime());
        }
        else if (time.GetElapsedTime(silence.Since, now) >= timeout)
        {
            _silence = null;
            return HasWorkedSince(silence) ? null : await AskAsync(silence, timeout < AnswerLimit || vitals.WaitsBusily ? timeout : AnswerLimit, cancellationToken);
        }

        return null;
    }

    private async Task<string?> AskAsync((long Since, TimeSpan? Used) silence, TimeSpan patience, CancellationToken cancellationToken)
    {
        var silent = time.GetElapsedTime(silence.Since);
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var asked = time.GetTimestamp();
        var answers = await vitals.AnswersAsync(either.Token);
        cancellationToken.ThrowIfCancellationRequested();

        // Whoever works on something else may not come to the question, but it works.
        if (answers || vitals.HasSpoken() || HasWorkedSince(silence, CostOfQuestion))
        {
            Log.Alive(logger, model, silent.TotalSeconds);
            return null;
        }

        vitals.GiveUp();
        var still = vitals.WaitsBusily ? "sent a byte" : "sent a byte nor used the processor";
        return limit.IsCancellationRequested
            ? string.Create(CultureInfo.InvariantCulture, $"it had not {still} for {silent.TotalSeconds:0.#} s, and did not answer a question for {patience.TotalSeconds:0.#} s.")
            : string.Create(CultureInfo.InvariantCulture, $"it had not {still} for {silent.TotalSeconds:0.#} s, and a question was refused after {time.GetElapsedTime(asked).TotalSeconds:0.#} s.");
    }

    // Where it cannot be told, it may have.
    private bool HasWorkedSince((long Since, TimeSpan? Used) silence, TimeSpan allowance = default)
    {
        if (vitals.WaitsBusily)
        {
            return false;
        }

        var used = vitals.ProcessorTime() - silence.Used;
        return used is not { } work || work < TimeSpan.Zero || work > (LeastShare * time.GetElapsedTime(silence.Since)) + allowance;
    }

    private static partial class Log
    {
        [LoggerMessage(3030, LogLevel.Information, "The runner of model {Model} was silent for {Seconds:0.#} s, but it is alive.")]
        public static partial void Alive(ILogger logger, string model, double seconds);
    }
}
