namespace MlxGateway.Admin.Streams;

/// <summary>Tells everybody who waits that there is news. Ringing it costs nothing while nobody does.</summary>
internal sealed class Bell
{
    private TaskCompletionSource? _waiting;

    /// <summary>Completes at the next ring.</summary>
    public Task NextAsync(CancellationToken cancellationToken)
    {
        var fresh = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Interlocked.CompareExchange(ref _waiting, fresh, null) ?? fresh).Task.WaitAsync(cancellationToken);
    }

    public void Ring() => Interlocked.Exchange(ref _waiting, null)?.TrySetResult();
}
