using System.Text.Json;

namespace MlxGateway.Inference.Answers;

/// <summary>What an event of <c>/v1/responses</c> says of its own place in the answer. Texts are as they stand in JSON, without their quotes.</summary>
internal ref struct ResponseEvent
{
    /// <summary>Its type; empty: it has none.</summary>
    public ReadOnlySpan<byte> Type { get; private set; }

    /// <summary>The item that it is about.</summary>
    public ReadOnlySpan<byte> ItemId { get; private set; }

    /// <summary>Which event of the stream it is, if it says so.</summary>
    public int? Sequence { get; private set; }

    /// <summary>Which item of the output it is about, if it says so.</summary>
    public int? Output { get; private set; }

    /// <summary>Which part of the item it is about, if it says so.</summary>
    public int? Content { get; private set; }

    /// <summary>Whether an event of its type is about an item.</summary>
    public readonly bool IsOfAnItem => Type.StartsWith("response."u8) && (!ItemId.IsEmpty || Type.StartsWith("response.output_item."u8));

    /// <summary>Whether an event of its type is about a part.</summary>
    public readonly bool IsOfAPart =>
        Type.StartsWith("response.content_part."u8) || Type.StartsWith("response.output_text."u8) || Type.StartsWith("response.refusal."u8) || Type.StartsWith("response.reasoning_text."u8);

    /// <summary>Reads it. The reader stands on the beginning of the object, which is the first thing in the data.</summary>
    public static ResponseEvent Read(ref Utf8JsonReader json, ReadOnlySpan<byte> data)
    {
        var seen = default(ResponseEvent);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("type"u8))
            {
                json.Read();
                seen.Type = TextOf(json, data);
            }
            else if (json.ValueTextEquals("item_id"u8))
            {
                json.Read();
                seen.ItemId = TextOf(json, data);
            }
            else if (json.ValueTextEquals("item"u8))
            {
                json.Read();
                seen.ItemId = json.TokenType == JsonTokenType.StartObject ? IdOf(json, data) : seen.ItemId;
            }
            else if (json.ValueTextEquals("sequence_number"u8))
            {
                json.Read();
                seen.Sequence = NumberOf(json);
            }
            else if (json.ValueTextEquals("output_index"u8))
            {
                json.Read();
                seen.Output = NumberOf(json);
            }
            else if (json.ValueTextEquals("content_index"u8))
            {
                json.Read();
                seen.Content = NumberOf(json);
            }
            else
            {
                json.Read();
            }

            json.Skip();
        }

        json.Read(); // throws if anything follows
        return seen;
    }

    // The reader is a copy.
    private static ReadOnlySpan<byte> IdOf(Utf8JsonReader json, ReadOnlySpan<byte> data)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isId = json.ValueTextEquals("id"u8);
            json.Read();
            if (isId)
            {
                return TextOf(json, data);
            }

            json.Skip();
        }

        return default;
    }

    private static ReadOnlySpan<byte> TextOf(scoped in Utf8JsonReader json, ReadOnlySpan<byte> data) =>
        json.TokenType == JsonTokenType.String ? data[((int)json.TokenStartIndex + 1)..((int)json.BytesConsumed - 1)] : default;

    private static int? NumberOf(in Utf8JsonReader json) => json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var number) ? number : null;
}
