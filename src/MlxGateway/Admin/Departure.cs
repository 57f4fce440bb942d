using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin;

/// <summary>Unloads a model so that whoever looks next sees it gone.</summary>
internal static class Departure
{
    /// <summary>Completes when the model's process is gone and the pool's snapshot says so.</summary>
    public static async Task OfAsync(string model, IModelPool pool, CancellationToken cancellationToken)
    {
        await pool.UnloadAsync(model, cancellationToken);

        // The pool tells of the end first and publishes it a moment later; a client that lists between the two would find what it has just unloaded.
        while (pool.Snapshot is var now && now.Models.Any(m => m.Id == model && m.State is ResidentState.Stopping))
        {
            await pool.ChangedAsync(now.Version, cancellationToken);
        }
    }
}
