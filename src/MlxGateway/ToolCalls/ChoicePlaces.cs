using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Where the parts of one choice of an answer lie that calls have to do with.</summary>
internal ref struct ChoicePlaces
{
    /// <summary>Its index.</summary>
    public int Index { get; private set; }

    /// <summary>Where its members begin, behind the brace.</summary>
    public int Start { get; private set; }

    /// <summary>Where the members of its delta or message begin; 0: it has none.</summary>
    public int Message { get; private set; }

    /// <summary>Whether that has no members.</summary>
    public bool IsMessageEmpty { get; private set; }

    /// <summary>The value of <c>content</c>; length 0: there is none.</summary>
    public (int Start, int Length) Content { get; private set; }

    /// <summary>Whether that is a text.</summary>
    public bool IsContentText { get; private set; }

    /// <summary>The value of <c>tool_calls</c> where it is null or empty; length 0: there is none.</summary>
    public (int Start, int Length) NoCalls { get; private set; }

    /// <summary>Whether the engine has found calls itself.</summary>
    public bool HasCalls { get; private set; }

    /// <summary>The value of <c>finish_reason</c> where it is a text; length 0: it goes on.</summary>
    public (int Start, int Length) Reason { get; private set; }

    /// <summary>Whether that is <c>stop</c>.</summary>
    public bool IsStop { get; private set; }

    /// <summary>Moves on to the first choice of an answer.</summary>
    /// <returns>False: it has none.</returns>
    public static bool TryFindFirst(ref Utf8JsonReader json)
    {
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isIt = json.ValueTextEquals("choices"u8);
            json.Read();
            if (isIt && json.TokenType == JsonTokenType.StartArray)
            {
                return json.Read() && json.TokenType == JsonTokenType.StartObject;
            }

            json.Skip();
        }

        return false;
    }

    /// <summary>Reads a choice. The reader stands on its brace, and then on the closing one.</summary>
    public static ChoicePlaces Read(ref Utf8JsonReader json)
    {
        var choice = new ChoicePlaces { Start = (int)json.BytesConsumed };
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("index"u8))
            {
                json.Read();
                choice.Index = json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var index) ? index : 0;
            }
            else if (json.ValueTextEquals("finish_reason"u8))
            {
                json.Read();
                choice.Reason = json.TokenType == JsonTokenType.String ? Place(json) : default;
                choice.IsStop = json.TokenType == JsonTokenType.String && json.ValueTextEquals("stop"u8);
            }
            else if (json.ValueTextEquals("delta"u8) || json.ValueTextEquals("message"u8))
            {
                json.Read();
                if (json.TokenType == JsonTokenType.StartObject)
                {
                    choice.ReadMessage(ref json);
                }
            }
            else
            {
                json.Read();
            }

            json.Skip();
        }

        return choice;
    }

    private void ReadMessage(ref Utf8JsonReader json)
    {
        (Message, IsMessageEmpty) = ((int)json.BytesConsumed, true);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            IsMessageEmpty = false;
            var (isContent, areCalls) = (json.ValueTextEquals("content"u8), json.ValueTextEquals("tool_calls"u8));
            json.Read();
            if (isContent)
            {
                IsContentText = json.TokenType == JsonTokenType.String;
                Content = IsContentText || json.TokenType == JsonTokenType.Null ? Place(json) : default;
            }
            else if (areCalls)
            {
                ReadCalls(ref json);
            }

            json.Skip();
        }
    }

    private void ReadCalls(ref Utf8JsonReader json)
    {
        var start = (int)json.TokenStartIndex;
        var ahead = json;
        var isEmpty = json.TokenType == JsonTokenType.Null || (json.TokenType == JsonTokenType.StartArray && ahead.Read() && ahead.TokenType == JsonTokenType.EndArray);
        HasCalls = !isEmpty;
        json.Skip();
        NoCalls = isEmpty ? (start, (int)json.BytesConsumed - start) : default;
    }

    private static (int Start, int Length) Place(in Utf8JsonReader json) => ((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex));
}
