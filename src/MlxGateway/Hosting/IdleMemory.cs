using System.Runtime;
using MlxGateway.Inference;

namespace MlxGateway.Hosting;

/// <summary>Gives memory back once the gateway has come to rest: what requests left behind is worth more to a model. While requests come, it does nothing.</summary>
internal sealed class IdleMemory(TimeProvider time) : IHostedService, IRequestObserver, IDisposable
{
    // Long enough that a pause between two turns of a conversation is no rest.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(20);
    private long _requests;
    private long _seen;
    private long _tidied;
    private ITimer? _glances;

    /// <inheritdoc/>
    public void Completed(RequestRecord record) => Interlocked.Increment(ref _requests);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _glances = time.CreateTimer(static self => ((IdleMemory)self!).Glance(), this, Rest, Rest);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _glances?.Dispose();

    private void Glance()
    {
        var now = Interlocked.Read(ref _requests);
        if (now == _seen && now != _tidied)
        {
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _tidied = now;
        }

        _seen = now;
    }
}
