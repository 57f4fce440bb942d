using MlxGateway.Inference;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ToolCalls;

/// <summary>Answers of models whose engine leaves calls in the text, to requests that let them call something.</summary>
internal sealed class ToolCallReading : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange is { Route.Shape: StreamShape.Chat, Request: JsonRequest } && ToolPrompting.FormOf(lease.Model, lease.Runner.Manners) is { } form && exchange.Context.Features.Get<ToolWishes>() is { } wishes
            ? new CallsInText(() => form.NewReader(wishes.Tools), wishes.IsParallel, exchange.Request.Model ?? lease.Model.Id)
            : null;
}
