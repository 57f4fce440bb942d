using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.ToolCalls;

/// <summary>Where one message of a conversation lies in its body, and what it is as far as tools are concerned.</summary>
internal readonly record struct ChatMessage
{
    /// <summary>Where it begins.</summary>
    public long Start { get; private init; }

    /// <summary>The place behind it.</summary>
    public long End { get; private init; }

    /// <summary>Who speaks.</summary>
    public string Role { get; private init; }

    /// <summary>Whether it calls something.</summary>
    public bool HasCalls { get; private init; }

    /// <summary>Whether it calls more than one thing.</summary>
    public bool HasSeveralCalls { get; private init; }

    /// <summary>Where its content lies; length 0: it has none.</summary>
    public (long Start, long Length) Content { get; private init; }

    /// <summary>What its content begins with.</summary>
    public JsonTokenType ContentType { get; private init; }

    /// <summary>Whether it is the result of a call.</summary>
    public bool IsResult => Role is "tool" or "function";

    /// <summary>Whether something can be put in front of its content.</summary>
    public bool IsContentTextOrList => ContentType is JsonTokenType.String or JsonTokenType.StartArray;

    /// <summary>Reads a list of messages.</summary>
    /// <param name="body">The body.</param>
    /// <param name="at">Where the list begins.</param>
    /// <param name="first">Where a first message can be put in.</param>
    public static List<ChatMessage> ReadAll(in ReadOnlySequence<byte> body, long at, out long first)
    {
        var messages = new List<ChatMessage>();
        var json = new Utf8JsonReader(body.Slice(at), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        first = at + json.BytesConsumed;
        while (json.TokenType != JsonTokenType.Null && json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            messages.Add(Read(ref json, at));
        }

        return messages;
    }

    /// <summary>The words of a content: of a text, or of the parts of a list that are texts.</summary>
    public static string TextOf(JsonElement? content) => content switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!,
        { ValueKind: JsonValueKind.Array } parts => string.Join('\n', parts.EnumerateArray().Select(static part => part.ValueKind == JsonValueKind.Object ? Tool.Text(part, "text") : null).OfType<string>()),
        { ValueKind: JsonValueKind.Object } other => other.GetRawText(),
        _ => "",
    };

    private static ChatMessage Read(ref Utf8JsonReader json, long at)
    {
        var message = new ChatMessage { Start = at + json.TokenStartIndex, Role = "" };
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isRole, isContent, areCalls) = (json.ValueTextEquals("role"u8), json.ValueTextEquals("content"u8), json.ValueTextEquals("tool_calls"u8));
            json.Read();
            var (start, type) = (at + json.TokenStartIndex, json.TokenType);
            if (isRole && type == JsonTokenType.String)
            {
                message = message with { Role = json.GetString()! };
            }
            else if (areCalls && type == JsonTokenType.StartArray)
            {
                var ahead = json;
                var count = 0;
                for (; count < 2 && ahead.Read() && ahead.TokenType != JsonTokenType.EndArray; count++)
                {
                    ahead.Skip();
                }

                message = message with { HasCalls = count > 0, HasSeveralCalls = count > 1 };
            }

            json.Skip();
            message = isContent ? message with { Content = (start, at + json.BytesConsumed - start), ContentType = type } : message;
        }

        return message with { End = at + json.BytesConsumed };
    }
}
