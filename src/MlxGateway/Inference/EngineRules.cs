using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>Makes a body what the model's engine can bear and the configuration wants.</summary>
internal sealed class EngineRules(RunnerKinds kinds) : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        var rules = kinds.MannersFor(model)?.Rules;
        return new(rules is null && model.Fields.IsEmpty ? null : exchange.Request.Shape(rules ?? RequestRules.None, model.Fields));
    }
}
