using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Supervision.Tests.Residency;

internal static class PoolRequests
{
    // Most tests are about people.
    public static Task<ModelLease> AcquireAsync(this IModelPool pool, ModelSpec model, CancellationToken cancellationToken) => pool.AcquireAsync(model, LeaseTerms.Person, cancellationToken);
}

internal sealed class RecordingReadAhead : Supervision.Runners.IReadAhead
{
    public List<string> Calls { get; } = [];

    public void Begin(ModelSpec model, ByteSize limit) => Calls.Add($"begin {model.Id}");

    public void Cancel(string modelId) => Calls.Add($"cancel {modelId}");
}
