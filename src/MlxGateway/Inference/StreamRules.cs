using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>How a request for a whole answer becomes one for a stream: what it says of streams gets another value, and what it does not say is added.</summary>
internal static class StreamRules
{
    /// <summary>The members that it must have: their names, their values, and both as they are put in front of the first member.</summary>
    public static IReadOnlyList<(string Name, ReadOnlyMemory<byte> Value, ReadOnlyMemory<byte> Member)> Members { get; } =
    [
        ("stream", "true"u8.ToArray(), "\"stream\":true,"u8.ToArray()),
        ("stream_options", "{\"include_usage\":true}"u8.ToArray(), "\"stream_options\":{\"include_usage\":true},"u8.ToArray()),
    ];

    /// <summary>Finds the values of these members. The body has been checked: it is one JSON object.</summary>
    /// <param name="body">The body.</param>
    /// <param name="skipped">How many bytes in front are no JSON.</param>
    /// <returns>Null: it wants log probabilities, which do not come in streams everywhere.</returns>
    public static List<(string Name, long Offset, long Length)>? Find(in ReadOnlySequence<byte> body, int skipped)
    {
        var found = new List<(string Name, long Offset, long Length)>(2);
        var json = new Utf8JsonReader(body.Slice(skipped), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var wants = json.ValueTextEquals("logprobs"u8) || json.ValueTextEquals("top_logprobs"u8);
            var name = json.ValueTextEquals("stream"u8) ? "stream" : json.ValueTextEquals("stream_options"u8) ? "stream_options" : null;
            json.Read();
            if (wants && json.TokenType is not (JsonTokenType.Null or JsonTokenType.False))
            {
                return null;
            }

            var start = json.TokenStartIndex;
            json.Skip();
            if (name is not null)
            {
                found.Add((name, skipped + start, json.BytesConsumed - start));
            }
        }

        return found;
    }
}
