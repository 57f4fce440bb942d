using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>What the gateway must know of a JSON body, found in one pass over its bytes. The whole body is checked, but only these fields are looked at; there is no document in memory.</summary>
internal readonly record struct TopLevelFields
{
    /// <summary>Deeper nesting than any tool schema has; a parser of an engine may have less.</summary>
    public const int MaxDepth = 512;

    /// <summary>The value of <c>model</c>; null if there is none or it is null.</summary>
    public string? Model { get; private init; }

    /// <summary>Where the value of <c>model</c> begins, quotes included; −1: there is none.</summary>
    public long ModelOffset { get; private init; }

    /// <summary>How long that value is, quotes included.</summary>
    public long ModelLength { get; private init; }

    /// <summary>Where the first field could be inserted: just behind the opening brace.</summary>
    public long FirstField { get; private init; }

    /// <summary>How many bytes of a byte order mark stand in front. It is no JSON, and not every engine overlooks it.</summary>
    public int ByteOrderMark { get; private init; }

    /// <summary>Whether the object has no fields at all.</summary>
    public bool IsEmpty { get; private init; }

    /// <summary>Whether <c>stream</c> is true.</summary>
    public bool Stream { get; private init; }

    /// <summary>Where the value of <c>messages</c> begins; −1: there is none.</summary>
    public long MessagesOffset { get; private init; }

    /// <summary>Whether there are <c>tools</c> that are not null.</summary>
    public bool HasTools { get; private init; }

    /// <summary>Where the value of <c>tools</c> begins; −1: there is none.</summary>
    public long ToolsOffset { get; private init; }

    /// <summary>Where the value of <c>input</c> begins; −1: there is none.</summary>
    public long InputOffset { get; private init; }

    /// <summary>Whether <c>stream_options</c> ask for the token counts.</summary>
    public bool AsksForUsage { get; private init; }

    /// <summary>Whether <c>encoding_format</c> asks for base64.</summary>
    public bool WantsBase64 { get; private init; }

    /// <summary>How long <c>keep_alive</c> wants the model to stay; null: it does not say.</summary>
    public TimeSpan? KeepAlive { get; private init; }

    /// <summary>Reads the fields, or says what is wrong with the body.</summary>
    public static GatewayError? TryRead(in ReadOnlySequence<byte> body, out TopLevelFields fields)
    {
        fields = default;
        try
        {
            return Read(body, out fields);
        }
        catch (JsonException broken)
        {
            return GatewayError.InvalidRequest($"The body is not valid JSON: {Explain(broken)}");
        }
        catch (InvalidOperationException)
        {
            // The reader's word for an escape such as \ud800 that stands for no character.
            return GatewayError.InvalidRequest("The name of a field holds an escape that stands for no character.");
        }
    }

    private static GatewayError? Read(in ReadOnlySequence<byte> body, out TopLevelFields fields)
    {
        fields = default;
        var skipped = StartsWithByteOrderMark(body) ? 3 : 0;
        var json = new Utf8JsonReader(body.Slice(skipped), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = MaxDepth }));
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            return GatewayError.InvalidRequest("The body must be a JSON object.");
        }

        var found = new TopLevelFields { ModelOffset = -1, MessagesOffset = -1, ToolsOffset = -1, InputOffset = -1, FirstField = skipped + json.BytesConsumed, ByteOrderMark = skipped, IsEmpty = true };
        var streamSeen = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            found = found with { IsEmpty = false };
            if (json.ValueTextEquals("model"u8))
            {
                json.Read();
                if (found.ModelOffset >= 0)
                {
                    return GatewayError.InvalidRequest("The body names 'model' twice.", "model");
                }

                if (json.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                {
                    return GatewayError.InvalidRequest("The field 'model' must be a string.", "model");
                }

                if (!TryGetText(ref json, out var model))
                {
                    return GatewayError.InvalidRequest("The field 'model' holds an escape that stands for no character.", "model");
                }

                found = found with
                {
                    Model = model,
                    ModelOffset = skipped + json.TokenStartIndex,
                    ModelLength = json.BytesConsumed - json.TokenStartIndex,
                };
            }
            else if (json.ValueTextEquals("stream"u8))
            {
                json.Read();
                if (streamSeen || json.TokenType is not (JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null))
                {
                    return GatewayError.InvalidRequest(streamSeen ? "The body names 'stream' twice." : "The field 'stream' must be true or false.", "stream");
                }

                streamSeen = true;
                found = found with { Stream = json.TokenType == JsonTokenType.True };
            }
            else if (json.ValueTextEquals("messages"u8))
            {
                json.Read();
                found = found with { MessagesOffset = skipped + json.TokenStartIndex };
                json.Skip();
            }
            else if (json.ValueTextEquals("tools"u8))
            {
                json.Read();
                found = found with { HasTools = json.TokenType is not JsonTokenType.Null, ToolsOffset = skipped + json.TokenStartIndex };
                json.Skip();
            }
            else if (json.ValueTextEquals("input"u8))
            {
                json.Read();
                found = found with { InputOffset = skipped + json.TokenStartIndex };
                json.Skip();
            }
            else if (json.ValueTextEquals("stream_options"u8))
            {
                json.Read();
                found = found with { AsksForUsage = json.TokenType == JsonTokenType.StartObject && BodyShaper.HasTrue(json, "include_usage") };
                json.Skip();
            }
            else if (json.ValueTextEquals("encoding_format"u8))
            {
                json.Read();
                found = found with { WantsBase64 = json.TokenType == JsonTokenType.String && json.ValueTextEquals("base64"u8) };
                json.Skip();
            }
            else if (json.ValueTextEquals("keep_alive"u8))
            {
                json.Read();
                found = found with { KeepAlive = KeepAliveField.Read(ref json) };
                json.Skip();
            }
            else
            {
                json.Skip();
            }
        }

        // Nothing but white space may follow; anything else throws.
        json.Read();
        fields = found;
        return null;
    }

    private static bool TryGetText(ref Utf8JsonReader json, out string? text)
    {
        try
        {
            text = json.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            text = null;
            return false;
        }
    }

    private static bool StartsWithByteOrderMark(in ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body);
        return reader.IsNext([0xEF, 0xBB, 0xBF]);
    }

    // The reader's own sentence, without its advice to .NET programmers.
    private static string Explain(JsonException broken)
    {
        var place = broken.LineNumber is { } line ? $" (line {line + 1}, byte {broken.BytePositionInLine + 1})" : "";
        var text = broken.Message;
        return text.Contains("any JSON tokens", StringComparison.OrdinalIgnoreCase) ? "there is nothing in it but white space."
            : text.Contains("depth to be zero", StringComparison.OrdinalIgnoreCase) ? $"it ends in the middle{place}."
            : text.Contains("depth", StringComparison.OrdinalIgnoreCase) ? $"it is nested deeper than {MaxDepth} levels{place}."
            : text.Contains("reached end of data", StringComparison.OrdinalIgnoreCase) || text.Contains("no more data", StringComparison.OrdinalIgnoreCase) ? $"it ends in the middle{place}."
            : $"{text.Split(". LineNumber", 2)[0].TrimEnd('.')}{place}.";
    }
}
