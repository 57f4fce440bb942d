using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Ports;

/// <summary>What the pool has decided, and what it shows of it a moment later.</summary>
internal static class PoolNews
{
    /// <summary>Waits until the pool shows the runner of a lease, so that whoever is told that its model is ready, and looks, finds it ready.</summary>
    public static async Task UntilShownAsync(this IModelPool pool, ModelLease lease, CancellationToken cancellationToken)
    {
        for (var shown = pool.Snapshot; !lease.Revocation.Token.IsCancellationRequested && !shown.Models.Any(m => m.Id == lease.Model.Id && m.Pid == lease.Runner.Pid); shown = pool.Snapshot)
        {
            await pool.ChangedAsync(shown.Version, cancellationToken);
        }
    }
}
