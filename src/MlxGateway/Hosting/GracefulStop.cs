using MlxGateway.Supervision.Residency;

namespace MlxGateway.Hosting;

/// <summary>
/// The order of going: first no new work, then the running streams to their end or to a well-formed one, then the runners, and only then the server. While it goes on,
/// the server still answers, with 503, so that clients learn that they should come back.
/// </summary>
internal sealed class GracefulStop(IModelPool pool) : IHostedLifecycleService
{
    /// <summary>How long running requests may take to their end. Well below the ten seconds after which a container is killed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => pool.ShutDownAsync(Patience);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
