using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ToolCalls;

/// <summary>Answers of models whose engine leaves calls in the text, to requests that have tools and may use them.</summary>
internal sealed class ToolCallReading : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        lease.Model.ToolFormat != ToolFormat.Native && exchange is { Route.Shape: StreamShape.Chat, Request: JsonRequest { Fields.HasTools: true } request } && NamesOf(request) is { Count: > 0 } names
            ? new CallsInText(names)
            : null;

    private static HashSet<string> NamesOf(JsonRequest request)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            using var body = JsonDocument.Parse(request.Json.Slice(request.Fields.ByteOrderMark), new JsonDocumentOptions { MaxDepth = TopLevelFields.MaxDepth });
            if (body.RootElement.TryGetProperty("tool_choice", out var choice) && choice.ValueKind == JsonValueKind.String && choice.ValueEquals("none"))
            {
                return names;
            }

            foreach (var tool in body.RootElement.GetProperty("tools").EnumerateArray())
            {
                if (tool.TryGetProperty("function", out var function) && function.TryGetProperty("name", out var name) && name.GetString() is { } text)
                {
                    names.Add(text);
                }
            }
        }
        catch (Exception odd) when (odd is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            names.Clear();
        }

        return names;
    }
}
