namespace MlxGateway.DemoRunner;

/// <summary>The state of a runner that is alive, accepts connections and answers nothing any more. It has no end but the process's.</summary>
internal sealed class Standstill(TimeProvider time)
{
    private volatile bool _begun;

    /// <summary>Begins it and never completes but by the client's leaving.</summary>
    public Task BeginAsync(CancellationToken cancellationToken)
    {
        _begun = true;
        return WaitIfBegunAsync(cancellationToken);
    }

    /// <summary>Completes at once if nothing stands still, otherwise only by the client's leaving.</summary>
    public Task WaitIfBegunAsync(CancellationToken cancellationToken) => _begun ? Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken) : Task.CompletedTask;
}
