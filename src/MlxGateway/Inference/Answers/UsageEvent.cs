using System.Text.Json;

namespace MlxGateway.Inference.Answers;

/// <summary>What an event of a completion is, as far as counts are concerned.</summary>
/// <param name="HasUsage">Whether it has <c>usage</c> that is an object.</param>
/// <param name="HasChoices">Whether it has a choice.</param>
/// <param name="Kind">Where the value of <c>object</c> lies in the data, if it is the wrong one for a stream; length 0: it is right, or not there.</param>
internal readonly record struct UsageEvent(bool HasUsage, bool HasChoices, (int Start, int Length) Kind)
{
    /// <summary>Whether it has counts and nothing else: the last event of a stream whose client asked for them.</summary>
    public bool IsOfCountsAlone => HasUsage && !HasChoices;

    /// <summary>Reads the data of one event. What is no JSON is nothing.</summary>
    public static UsageEvent Read(ReadOnlySpan<byte> data)
    {
        try
        {
            var json = new Utf8JsonReader(data);
            var seen = default(UsageEvent);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return seen;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var (isUsage, areChoices, isKind) = (json.ValueTextEquals("usage"u8), json.ValueTextEquals("choices"u8), json.ValueTextEquals("object"u8));
                json.Read();
                if (isUsage)
                {
                    seen = seen with { HasUsage = json.TokenType == JsonTokenType.StartObject };
                }
                else if (areChoices && json.TokenType == JsonTokenType.StartArray)
                {
                    var ahead = json;
                    seen = seen with { HasChoices = ahead.Read() && ahead.TokenType != JsonTokenType.EndArray };
                }
                else if (isKind && json.TokenType == JsonTokenType.String && json.ValueTextEquals("chat.completion"u8))
                {
                    seen = seen with { Kind = ((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex)) };
                }

                json.Skip();
            }

            json.Read(); // throws if anything follows
            return seen;
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return default;
        }
    }
}
