using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
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
            : new GatewayError(StatusCodes.Status404NotFound, "not_found", $"Model '{model.Id}' {WhyNot(model, exchange.Route.Path)}. It offers {string.Join(", ", offers.Order(StringComparer.Ordinal))}."));
    }

    // Of a chat model it is the engine that lacks the route; a model of vectors would not have it with any.
    private static string WhyNot(ModelSpec model, string path) => model.Facts?.Use switch
    {
        ModelUse.Embedding => $"makes vectors of texts and nothing else, so it has no {path}",
        ModelUse.Reranking => $"ranks texts and does nothing else, so it has no {path}",
        _ => $"is served by {model.Runner}, which has no {path}",
    };
}
