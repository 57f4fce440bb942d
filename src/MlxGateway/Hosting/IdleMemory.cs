using System.Runtime;
using MlxGateway.Inference;

namespace MlxGateway.Hosting;

/// <summary>Gives memory back once the gateway has come to rest: what requests left behind is worth more to a model. While requests come, it does nothing.</summary>
internal sealed class IdleMemory(TimeProvider time) : BackgroundService, IRequestObserver
{
    // Long enough that a pause between two turns of a conversation is no rest.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(20);
    private long _requests;

    /// <inheritdoc/>
    public void Completed(RequestRecord record) => Interlocked.Increment(ref _requests);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var glances = new PeriodicTimer(Rest, time);
        long seen = 0, tidied = 0;
        while (await glances.WaitForNextTickAsync(stoppingToken))
        {
            var now = Interlocked.Read(ref _requests);
            if (now == seen && now != tidied)
            {
                GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                tidied = now;
            }

            seen = now;
        }
    }
}
