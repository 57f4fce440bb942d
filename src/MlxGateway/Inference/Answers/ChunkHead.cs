using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Inference.Answers;

/// <summary>By what the chunks of one stream are known, so that one that the gateway adds is of the same answer: the id and the time of the first.</summary>
internal struct ChunkHead
{
    private byte[]? _members;

    /// <summary>Looks at events, until one that is JSON has passed.</summary>
    public void Note(ReadOnlySpan<byte> events)
    {
        while (_members is null && !events.IsEmpty)
        {
            var data = EventLines.DataOf(EventLines.TakeEvent(ref events));
            _members = data.IsEmpty ? null : Read(data);
        }
    }

    /// <summary>Begins an event that holds a chunk of the same answer: all up to the model's name. The members that follow begin with a comma.</summary>
    public readonly void BeginEvent(IBufferWriter<byte> to, StreamShape shape, string model)
    {
        to.Write("data: {"u8);
        to.Write(_members ?? []); // each with its comma
        to.Write(shape == StreamShape.Chat ? "\"object\":\"chat.completion.chunk\",\"model\":"u8 : "\"object\":\"text_completion\",\"model\":"u8);
        to.Write(JsonSerializer.SerializeToUtf8Bytes(model));
    }

    private static byte[]? Read(ReadOnlySpan<byte> data)
    {
        var members = new ArrayBufferWriter<byte>(96);
        try
        {
            var json = new Utf8JsonReader(data);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.ValueTextEquals("id"u8) ? "\"id\":"u8 : json.ValueTextEquals("created"u8) ? "\"created\":"u8 : default;
                json.Read();
                if (!name.IsEmpty && json.TokenType is (JsonTokenType.String or JsonTokenType.Number))
                {
                    members.Write(name);
                    members.Write(data[(int)json.TokenStartIndex..(int)json.BytesConsumed]);
                    members.Write(","u8);
                }

                json.Skip();
            }

            return members.WrittenSpan.ToArray();
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
