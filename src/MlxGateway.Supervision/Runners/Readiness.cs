using MlxGateway.Supervision.Processes;
using Polly;
using Polly.Retry;

namespace MlxGateway.Supervision.Runners;

/// <summary>Waits until a runner proves that it can answer: each of its plan's questions with a 2xx, and the port in the hands of our own child.</summary>
internal sealed class Readiness(TimeProvider time)
{
    // A server that accepts and says nothing must not hold up the proof for ever; it is simply asked again.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    private const int LongestAnswer = 1 << 20;

    // At most so much of what the start took is lost by asking too late. A knock at a closed port costs nobody anything to speak of; a question has to be answered by an engine that is loading.
    private readonly ResiliencePipeline<bool> _knocking = Patience(time, 0.01);
    private readonly ResiliencePipeline<bool> _asking = Patience(time, 0.05);

    /// <summary>Completes when the runner is ready. The process's own end is not watched here: the caller cancels.</summary>
    /// <exception cref="PortTakenException">Somebody else answers on the port.</exception>
    public async Task WaitAsync(ChildProcess child, int port, Uri address, HttpMessageInvoker connections, IReadOnlyList<string> paths, ReadyProbe? proof, CancellationToken cancellationToken)
    {
        await _knocking.ExecuteAsync(async token => await Knock.IsAnsweredAsync(port, token), cancellationToken);
        foreach (var path in paths)
        {
            var probe = new ReadyProbe(HttpMethod.Get, path);
            await _asking.ExecuteAsync(async token => await AnswersAsync(connections, address, probe, ProbeTimeout, token), cancellationToken);
        }

        if (child.OwnsPort(port) == false)
        {
            throw new PortTakenException();
        }

        if (proof is not null)
        {
            // The engine answers it when it can; asked again meanwhile, it would have to answer as often.
            await _asking.ExecuteAsync(async token => await AnswersAsync(connections, address, proof, Timeout.InfiniteTimeSpan, token), cancellationToken);
        }
    }

    /// <summary>Asks for the verdicts, one after the other, each until there is an answer.</summary>
    /// <returns>The first fault; null: it can serve.</returns>
    public async Task<string?> FaultAsync(Uri address, HttpMessageInvoker connections, IReadOnlyList<ReadyVerdict> verdicts, CancellationToken cancellationToken)
    {
        foreach (var verdict in verdicts)
        {
            string? fault = null;
            await _asking.ExecuteAsync(
                async token =>
                {
                    var answer = await AskAsync(connections, address, verdict.Probe, token);
                    fault = answer is { } said ? verdict.Fault(said.Status, said.Text) : null;
                    return answer is not null;
                },
                cancellationToken);
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    // Null: there was no whole answer.
    private static async ValueTask<(int Status, string Text)?> AskAsync(HttpMessageInvoker connections, Uri address, ReadyProbe probe, CancellationToken cancellationToken)
    {
        try
        {
            using var request = probe.ToRequest(address);
            using var response = await connections.SendAsync(request, cancellationToken);
            await response.Content.LoadIntoBufferAsync(LongestAnswer, cancellationToken);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException)
        {
            return null;
        }
    }

    // 3 ms, then a part more each time, up to 50 ms, so that a long load is not disturbed.
    private static ResiliencePipeline<bool> Patience(TimeProvider time, double growth) => new ResiliencePipelineBuilder<bool> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<bool>
        {
            ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome is { Exception: null, Result: false }),
            MaxRetryAttempts = int.MaxValue,
            DelayGenerator = retry => ValueTask.FromResult<TimeSpan?>(TimeSpan.FromMilliseconds(Math.Min(50, 3 * Math.Pow(1 + growth, Math.Min(retry.AttemptNumber, 1000))))),
        })
        .Build();

    private async ValueTask<bool> AnswersAsync(HttpMessageInvoker connections, Uri address, ReadyProbe probe, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = probe.ToRequest(address);
            using var response = await connections.SendAsync(request, either.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException || (failed is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}

/// <summary>Somebody else listens on the port that a runner was given.</summary>
internal sealed class PortTakenException : Exception;
