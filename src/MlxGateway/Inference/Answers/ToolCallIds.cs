using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>Gives every tool call what clients cannot do without: an id, a type and, in a stream, an index. What the engine gives stays.</summary>
internal sealed class ToolCallIds : IAnswerFilter
{
    private readonly HashSet<(int Choice, int Call)> _begun = [];
    private readonly List<DataEdit> _edits = new(2);

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) =>
        events.Span.IndexOf("\"tool_calls\""u8) < 0 ? events : EventEditor.Edit(events, _edits, (data, edits) => Edit(data, edits, isStream: true));

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) =>
        body.Span.IndexOf("\"tool_calls\""u8) < 0 ? body : EventEditor.EditBody(body, _edits, (data, edits) => Edit(data, edits, isStream: false));

    private void Edit(ReadOnlySpan<byte> bytes, List<DataEdit> edits, bool isStream)
    {
        try
        {
            // choices (1) [ choice (2) { delta or message (3) { tool_calls (4) [ call (5) {
            var json = new Utf8JsonReader(bytes);
            var (choice, inCalls, position) = (0, false, -1);
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 3 && json.ValueTextEquals("index"u8))
                {
                    json.Read();
                    choice = json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var index) ? index : 0;
                }
                else if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 4)
                {
                    (inCalls, position) = (json.ValueTextEquals("tool_calls"u8), -1);
                }
                else if (inCalls && json.TokenType == JsonTokenType.StartObject && json.CurrentDepth == 5)
                {
                    EditCall(ref json, edits, choice, ++position, isStream);
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    private void EditCall(ref Utf8JsonReader json, List<DataEdit> edits, int choice, int position, bool isStream)
    {
        var start = (int)json.BytesConsumed;
        int? index = null;
        var hasType = false;
        var hasId = false;
        (int Start, int Length)? emptyId = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isType, isIndex) = (json.ValueTextEquals("id"u8), json.ValueTextEquals("type"u8), json.ValueTextEquals("index"u8));
            json.Read();
            if (isId)
            {
                var isText = json.TokenType == JsonTokenType.String && !json.ValueTextEquals(""u8);
                hasId |= isText;
                emptyId = isText ? emptyId : ((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex));
            }

            hasType |= isType;
            index = isIndex && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var given) ? given : index;
            json.Skip();
        }

        // Only the first piece of a call names it; the others are told by their index.
        var isFirst = _begun.Add((choice, index ?? position)) || !isStream;
        var front = new StringBuilder();
        if (isStream && index is null)
        {
            front.Append(CultureInfo.InvariantCulture, $"\"index\":{position},");
        }

        if (isFirst && !hasId && emptyId is null)
        {
            front.Append(CultureInfo.InvariantCulture, $"\"id\":\"{NewId()}\",");
        }

        if (isFirst && !hasType)
        {
            front.Append("\"type\":\"function\",");
        }

        if (front.Length > 0)
        {
            edits.Add(new(start, 0, Encoding.UTF8.GetBytes(front.ToString())));
        }

        if (isFirst && emptyId is { } empty)
        {
            edits.Add(new(empty.Start, empty.Length, Encoding.UTF8.GetBytes($"\"{NewId()}\"")));
        }
    }

    private static string NewId() => $"call_{Guid.NewGuid():n}"[..29]; // as long as OpenAI's own
}

/// <summary>Answers to requests that have tools.</summary>
internal sealed class ToolCallNaming : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange is { Route.Shape: StreamShape.Chat, Request: JsonRequest { Fields.HasTools: true } } ? new ToolCallIds() : null;
}
