using MlxGateway.Inference;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Access;

/// <summary>Refuses a model that the caller's key is not good for, a stand-in as well.</summary>
internal sealed class ModelPermission : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model) =>
        new(exchange.Context.Features.Get<ICaller>() is { } caller && !caller.MayUse(model)
            ? new GatewayError(StatusCodes.Status403Forbidden, "model_not_allowed", $"The key '{caller.Name}' is not good for model '{model.Id}'.") { Param = "model" }
            : null);
}
