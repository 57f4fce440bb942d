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
            : new GatewayError(StatusCodes.Status404NotFound, "not_found", $"{Lacks(model, exchange.Route.Path)}. It offers {string.Join(", ", offers.Order(StringComparer.Ordinal))}."));
    }

    // An engine that has the route for other models is not said to lack it.
    private static string Lacks(ModelSpec model, string path) => model.Facts?.Use switch
    {
        ModelUse.Embedding => $"Model '{model.Id}' is for embeddings: {model.Runner} has no {path} for it",
        ModelUse.Reranking => $"Model '{model.Id}' is for ranking: {model.Runner} has no {path} for it",
        ModelUse.Transcription => $"Model '{model.Id}' is for transcription: {model.Runner} has no {path} for it",
        ModelUse.Speech => $"Model '{model.Id}' is for speech: {model.Runner} has no {path} for it",
        ModelUse.Images => $"Model '{model.Id}' is for images: {model.Runner} has no {path} for it",
        _ => $"Model '{model.Id}' is served by {model.Runner}, which has no {path}",
    };
}
