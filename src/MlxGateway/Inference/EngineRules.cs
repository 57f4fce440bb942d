using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>Makes a body what the model's engine can bear.</summary>
internal sealed class EngineRules(RunnerKinds kinds) : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model) =>
        new(kinds.MannersFor(model)?.Rules is { } rules ? exchange.Request.Shape(rules) : null);
}
