using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference.Asking;

/// <summary>Takes out of a request, or fills in, what its client sends to every service alike and the model's engine would refuse it for: an agent cannot leave it away.</summary>
internal sealed class WithoutForeignParts(RunnerKinds kinds) : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        if (exchange.Request is JsonRequest request && kinds.MannersFor(model) is { } manners)
        {
            foreach (var edit in Find(request, manners))
            {
                request.Edit(edit);
            }
        }

        return default;
    }

    private static List<BodyEdit> Find(JsonRequest request, RunnerManners manners)
    {
        try
        {
            return (request.Route.Shape, request.Fields) switch
            {
                (StreamShape.Chat, { HasTools: true, ToolsOffset: var at }) when manners.TakesFunctionsOnly => ForeignParts.ToolsBesideFunctions(request.Json, at),
                (StreamShape.Responses, { InputOffset: >= 0 and var at }) when manners.WantsWordsOfThoughts => ForeignParts.ThoughtsWithoutWords(request.Json, at),
                _ => [],
            };
        }
        catch (InvalidOperationException)
        {
            return []; // a name that holds half a character, which the engine may judge
        }
    }
}
