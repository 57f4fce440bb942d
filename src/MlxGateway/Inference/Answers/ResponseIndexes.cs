using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>Adds to the events of <c>/v1/responses</c> the indexes that clients need and engines leave out: which event of the stream it is, which item of the output and which part of that item it is about.</summary>
internal sealed class ResponseIndexes : IAnswerFilter
{
    private readonly Dictionary<string, int> _items = new(StringComparer.Ordinal);
    private readonly List<DataEdit> _edits = new(1);
    private int _event = -1;
    private int _item = -1;
    private int _part = -1;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) => EventEditor.Edit(events, _edits, Edit);

    private void Edit(ReadOnlySpan<byte> data, List<DataEdit> edits)
    {
        try
        {
            var json = new Utf8JsonReader(data);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return;
            }

            var front = (int)json.BytesConsumed;
            var seen = Read(ref json);
            if (seen.Type is null)
            {
                return;
            }

            _event = seen.Sequence ?? _event + 1;
            Follow(seen);
            var added = new StringBuilder();
            Say(added, "sequence_number", seen.Sequence is null ? _event : null);
            var isOfAnItem = seen.Type.StartsWith("response.", StringComparison.Ordinal) && (seen.ItemId is not null || seen.Type.StartsWith("response.output_item.", StringComparison.Ordinal));
            Say(added, "output_index", isOfAnItem && seen.Output is null ? IndexOf(seen.ItemId) : null);
            Say(added, "content_index", IsOfAPart(seen.Type) && seen.Content is null ? Math.Max(_part, 0) : null);
            if (added.Length > 0)
            {
                edits.Add(new(front, 0, Encoding.UTF8.GetBytes(added.ToString())));
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    private static bool IsOfAPart(string type) =>
        type.StartsWith("response.content_part.", StringComparison.Ordinal) || type.StartsWith("response.output_text.", StringComparison.Ordinal)
        || type.StartsWith("response.refusal.", StringComparison.Ordinal) || type.StartsWith("response.reasoning_text.", StringComparison.Ordinal);

    private static Seen Read(ref Utf8JsonReader json)
    {
        var seen = default(Seen);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            seen = name switch
            {
                "type" when json.TokenType == JsonTokenType.String => seen with { Type = json.GetString() },
                "item_id" when json.TokenType == JsonTokenType.String => seen with { ItemId = json.GetString() },
                "item" when json.TokenType == JsonTokenType.StartObject => seen with { ItemId = IdOf(json) },
                "sequence_number" when json.TokenType == JsonTokenType.Number => seen with { Sequence = json.GetInt32() },
                "output_index" when json.TokenType == JsonTokenType.Number => seen with { Output = json.GetInt32() },
                "content_index" when json.TokenType == JsonTokenType.Number => seen with { Content = json.GetInt32() },
                _ => seen,
            };
            json.Skip();
        }

        return seen;
    }

    // The reader is a copy.
    private static string? IdOf(Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isId = json.ValueTextEquals("id"u8);
            json.Read();
            if (isId)
            {
                return json.TokenType == JsonTokenType.String ? json.GetString() : null;
            }

            json.Skip();
        }

        return null;
    }

    private static void Say(StringBuilder text, string name, int? value)
    {
        if (value is { } number)
        {
            text.Append(CultureInfo.InvariantCulture, $"\"{name}\":{number},");
        }
    }

    private void Follow(in Seen seen)
    {
        if (seen.Type == "response.output_item.added")
        {
            (_item, _part) = (seen.Output ?? _item + 1, -1);
            if (seen.ItemId is { } id)
            {
                _items[id] = _item;
            }
        }
        else if (seen.Type == "response.content_part.added")
        {
            _part = seen.Content ?? _part + 1;
        }
    }

    private int IndexOf(string? item) => item is not null && _items.TryGetValue(item, out var index) ? index : Math.Max(_item, 0);

    private readonly record struct Seen(string? Type, string? ItemId, int? Sequence, int? Output, int? Content);
}

/// <summary>Streams of <c>/v1/responses</c>.</summary>
internal sealed class ResponseIndexing : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) => exchange is { Route.Shape: StreamShape.Responses, Request.Stream: true } ? new ResponseIndexes() : null;
}
