using System.Buffers;
using System.Text.Json;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Asking;

/// <summary>Begins a conversation that has no instructions with those of the model's configuration. Before all other steps, so that they count and check what will be sent.</summary>
internal sealed class Instructions : IRequestShaper
{
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        if (model.Fields.SystemPrompt is { } prompt && exchange.Request is JsonRequest { Fields.IsEmpty: false } request && Find(request, prompt) is { } edit)
        {
            request.Edit(edit);
            request.Settle();
        }

        return default;
    }

    /// <summary>The edit that puts them in; null: the request has its own, or is of a kind that knows none.</summary>
    public static BodyEdit? Find(JsonRequest request, string prompt)
    {
        try
        {
            return request.Route.Shape switch
            {
                StreamShape.Chat when request.Fields.MessagesOffset >= 0 => BeforeMessages(request.Json, request.Fields.MessagesOffset, prompt),
                StreamShape.Responses => AsField(request, "instructions"u8, prompt),
                StreamShape.Messages => AsField(request, "system"u8, prompt),
                _ => null,
            };
        }
        catch (InvalidOperationException)
        {
            return null; // a name or a role that holds half a character, which the engine may judge
        }
    }

    // Nothing where there are no messages at all: such a request is refused, and not made a good one.
    private static BodyEdit? BeforeMessages(in ReadOnlySequence<byte> body, long at, string prompt)
    {
        var json = new Utf8JsonReader(body.Slice(at), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
        {
            return null;
        }

        var first = at + json.BytesConsumed;
        var count = 0;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject && Instructs(json))
            {
                return null;
            }

            count++;
            json.Skip();
        }

        return count == 0 ? null : new BodyEdit(first, 0, (byte[])[.. "{\"role\":\"system\",\"content\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(prompt), .. "},"u8]);
    }

    // The reader is a copy and stands on the beginning of a message.
    private static bool Instructs(Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isRole = json.ValueTextEquals("role"u8);
            json.Read();
            if (isRole)
            {
                return json.TokenType == JsonTokenType.String && (json.ValueTextEquals("system"u8) || json.ValueTextEquals("developer"u8));
            }

            json.Skip();
        }

        return false;
    }

    // A null is no instruction, and is replaced; a text or a list, also an empty one, is the client's own.
    private static BodyEdit? AsField(JsonRequest request, ReadOnlySpan<byte> name, string prompt)
    {
        var body = request.Json;
        var skipped = request.Fields.ByteOrderMark;
        var json = new Utf8JsonReader(body.Slice(skipped), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        var value = JsonSerializer.SerializeToUtf8Bytes(prompt);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isIt = json.ValueTextEquals(name);
            json.Read();
            if (isIt)
            {
                return json.TokenType == JsonTokenType.Null ? new BodyEdit(skipped + json.TokenStartIndex, json.BytesConsumed - json.TokenStartIndex, value) : null;
            }

            json.Skip();
        }

        return new BodyEdit(request.Fields.FirstField, 0, (byte[])[.. "\""u8, .. name, .. "\":"u8, .. value, .. ","u8]);
    }
}
