using System.Text.Json;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>Looks into the parts of messages.</summary>
internal static class MessageParts
{
    /// <summary>The error for the first part that is no text; null: there is none. The reader, a copy, stands on the list of messages.</summary>
    public static GatewayError? FindOther(Utf8JsonReader json)
    {
        var depth = json.CurrentDepth;
        while (json.Read() && !(json.TokenType == JsonTokenType.EndArray && json.CurrentDepth == depth))
        {
            if (json.TokenType != JsonTokenType.StartObject)
            {
                return GatewayError.InvalidRequest("Each of the 'messages' must be an object.", "messages");
            }

            if (InMessage(ref json) is { } other)
            {
                return other;
            }
        }

        return null;
    }

    private static GatewayError? InMessage(ref Utf8JsonReader json)
    {
        GatewayError? error = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = json.ValueTextEquals("content"u8);
            json.Read();
            if (isContent && json.TokenType == JsonTokenType.StartArray)
            {
                error ??= InParts(json);
            }

            json.Skip();
        }

        return error;
    }

    private static GatewayError? InParts(Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isType = json.ValueTextEquals("type"u8);
                json.Read();
                if (isType && json.TokenType == JsonTokenType.String && !json.ValueTextEquals("text"u8))
                {
                    return new GatewayError(StatusCodes.Status400BadRequest, "invalid_request", $"This model takes text only, and a message has a part of the type '{json.GetString()}'.") 
                    {
                        Param = "messages",
                        NeededModality = json.ValueTextEquals("input_audio"u8) ? Modality.Audio : Modality.Image,
                    };
                }

                json.Skip();
            }
        }

        return null;
    }
}
