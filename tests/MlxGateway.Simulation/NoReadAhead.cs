using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Simulation;

/// <summary>Nobody reads files here: there are none.</summary>
internal sealed class NoReadAhead : IReadAhead
{
    public void Begin(ModelSpec model, ByteSize limit)
    {
    }

    public void Cancel(string modelId)
    {
    }
}
