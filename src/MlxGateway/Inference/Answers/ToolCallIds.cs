using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>
/// Gives every tool call what clients cannot do without: an id, a type and, in a stream, an index; and the finish reason that says that there are calls. What the engine gives stays.
/// </summary>
internal sealed class ToolCallIds : IAnswerFilter
{
    // More than anybody asks for; a runner must not make the gateway remember any number.
    private const int MostChoices = 128;
    private const int MostCalls = 1024;

    private readonly Dictionary<int, ChoiceCalls> _choices = [];
    private EventEditor? _editor;
    private EventEditor? _bodyEditor;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        var mayMatter = events.Span.IndexOf("\"tool_calls\""u8) >= 0 || (_choices.Count > 0 && events.Span.IndexOf("\"stop\""u8) >= 0);
        return mayMatter ? (_editor ??= new EventEditor((data, edits) => Edit(data, edits, isStream: true))).EditEvents(events) : events;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => body.Span.IndexOf("\"tool_calls\""u8) >= 0
        ? (_bodyEditor ??= new EventEditor((data, edits) => Edit(data, edits, isStream: false))).EditBody(body)
        : body;

    private void Edit(ReadOnlySpan<byte> bytes, DataEdits edits, bool isStream)
    {
        try
        {
            // choices (1) [ choice (2) { delta or message (3) { tool_calls (4) [ call (5) {
            var json = new Utf8JsonReader(bytes);
            var (inChoices, inCalls) = (false, false);
            ChoiceCalls? choice = null;
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 1)
                {
                    inChoices = json.ValueTextEquals("choices"u8);
                }
                else if (!inChoices)
                {
                    continue;
                }
                else if (json.TokenType == JsonTokenType.StartObject && json.CurrentDepth == 2)
                {
                    choice = ChoiceOf(json);
                }
                else if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 3 && json.ValueTextEquals("finish_reason"u8))
                {
                    json.Read();
                    EditReason(ref json, edits, choice);
                }
                else if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 4)
                {
                    inCalls = json.ValueTextEquals("tool_calls"u8);
                }
                else if (inCalls && choice is not null && json.TokenType == JsonTokenType.StartObject && json.CurrentDepth == 5)
                {
                    EditCall(ref json, edits, choice, isStream);
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    // The reader is a copy and stands on the beginning of a choice: its index and its calls may come in any order. Null: it has made no call.
    private ChoiceCalls? ChoiceOf(Utf8JsonReader json)
    {
        var (index, hasCalls) = (0, false);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isIndex, isMessage) = (json.ValueTextEquals("index"u8), json.ValueTextEquals("delta"u8) || json.ValueTextEquals("message"u8));
            json.Read();
            index = isIndex && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var given) ? given : index;
            hasCalls |= isMessage && HasCalls(json);
            json.Skip();
        }

        if (!_choices.TryGetValue(index, out var choice) && hasCalls && _choices.Count < MostChoices)
        {
            _choices[index] = choice = new ChoiceCalls();
        }

        return choice;
    }

    private static bool HasCalls(Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var areCalls = json.ValueTextEquals("tool_calls"u8);
            json.Read();
            if (areCalls && json.TokenType == JsonTokenType.StartArray)
            {
                return json.Read() && json.TokenType == JsonTokenType.StartObject;
            }

            json.Skip();
        }

        return false;
    }

    // "length" and the like say more than that there are calls.
    private static void EditReason(ref Utf8JsonReader json, DataEdits edits, ChoiceCalls? choice)
    {
        if (choice is not null && json.TokenType == JsonTokenType.String && json.ValueTextEquals("stop"u8))
        {
            edits.Put((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex), "\"tool_calls\""u8);
        }
    }

    private static void EditCall(ref Utf8JsonReader json, DataEdits edits, ChoiceCalls choice, bool isStream)
    {
        var start = (int)json.BytesConsumed;
        var call = default(CallPiece);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            call.Read(ref json);
        }

        var (index, isFirst) = isStream ? choice.Place(call) : (-1, true);
        var front = new StringBuilder();
        if (isStream && call.Index is null)
        {
            front.Append(CultureInfo.InvariantCulture, $"\"index\":{index},");
        }

        if (isFirst && call is { Id: null, EmptyId: null })
        {
            front.Append(CultureInfo.InvariantCulture, $"\"id\":\"{NewId()}\",");
        }

        if (isFirst && !call.HasType)
        {
            front.Append("\"type\":\"function\",");
        }

        if (front.Length > 0)
        {
            edits.Put(start, 0, Encoding.UTF8.GetBytes(front.ToString()));
        }

        if (isFirst && call is { Id: null, EmptyId: { } empty })
        {
            edits.Put(empty.Start, empty.Length, Encoding.UTF8.GetBytes($"\"{NewId()}\""));
        }
    }

    private static string NewId() => $"call_{Guid.NewGuid():n}"[..29]; // as long as OpenAI's own

    /// <summary>What one object among the calls of an event says.</summary>
    private struct CallPiece
    {
        public int? Index { get; private set; }

        public string? Id { get; private set; }

        public (int Start, int Length)? EmptyId { get; private set; }

        public bool HasType { get; private set; }

        public bool HasName { get; private set; }

        public void Read(ref Utf8JsonReader json)
        {
            var (isId, isType, isIndex, isFunction) = (json.ValueTextEquals("id"u8), json.ValueTextEquals("type"u8), json.ValueTextEquals("index"u8), json.ValueTextEquals("function"u8));
            json.Read();
            if (isId && json.TokenType == JsonTokenType.String && !json.ValueTextEquals(""u8))
            {
                Id = json.GetString();
            }
            else if (isId && json.TokenType is (JsonTokenType.String or JsonTokenType.Null))
            {
                EmptyId = ((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex));
            }
            else if (isIndex && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var index))
            {
                Index = index;
            }

            HasType |= isType;
            HasName |= isFunction && NamesOne(json);
            json.Skip();
        }

        private static bool NamesOne(Utf8JsonReader json)
        {
            while (json.TokenType != JsonTokenType.String && json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isName = json.ValueTextEquals("name"u8);
                json.Read();
                if (isName)
                {
                    return json.TokenType == JsonTokenType.String && !json.ValueTextEquals(""u8);
                }

                json.Skip();
            }

            return false;
        }
    }

    /// <summary>The calls of one choice so far.</summary>
    private sealed class ChoiceCalls
    {
        private readonly HashSet<int> _begun = [];
        private int _last = -1;
        private string? _lastId;

        /// <summary>Which call a piece is of, and whether it is its first. A piece without an index is of the call before it unless it names a function or another id.</summary>
        public (int Index, bool IsFirst) Place(in CallPiece piece)
        {
            var opens = piece.Id is { } id ? id != _lastId : piece.HasName;
            _last = piece.Index ?? (_last < 0 || opens ? _last + 1 : _last);
            _lastId = piece.Id ?? (opens ? null : _lastId);
            return (_last, _begun.Count < MostCalls && _begun.Add(_last));
        }
    }
}

/// <summary>Answers to requests that have tools.</summary>
internal sealed class ToolCallNaming : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange is { Route.Shape: StreamShape.Chat, Request: JsonRequest { Fields.HasTools: true } } ? new ToolCallIds() : null;
}
