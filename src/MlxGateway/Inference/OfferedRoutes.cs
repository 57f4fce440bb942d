using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>Refuses what the model's engine does not serve, before the model is loaded for it.</summary>
internal sealed class OfferedRoutes(RunnerKinds kinds) : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        var offers = exchange.Route.Form == RequestForm.Path ? null : kinds.MannersFor(model)?.Offers;
        return new(offers?.Contains(exchange.Route.RunnerPath) != false
            ? null
            : new GatewayError(StatusCodes.Status404NotFound, "not_found", $"Model '{model.Id}' is served by {model.Runner}, which has no {exchange.Route.Path}. It offers {string.Join(", ", offers.Order(StringComparer.Ordinal))}."));
    }
}
