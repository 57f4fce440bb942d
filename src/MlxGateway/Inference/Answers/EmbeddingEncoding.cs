using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>
/// Gives embeddings in the encoding that was asked for: numbers, or the base64 of 32-bit floats, little-endian, one behind the other. Clients ask for base64 and engines answer numbers all the
/// same; one client then makes garbage of them without an error.
/// </summary>
internal sealed class EmbeddingEncoding(bool wantsBase64) : IAnswerFilter
{
    private readonly List<DataEdit> _edits = [];

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) => events;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => EventEditor.EditBody(body, _edits, Edit);

    private void Edit(ReadOnlySpan<byte> body, List<DataEdit> edits)
    {
        try
        {
            // data (1) [ item (2) { embedding (3)
            var json = new Utf8JsonReader(body);
            var inData = false;
            var numbers = new List<float>(1024);
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                inData = json.CurrentDepth == 1 ? json.ValueTextEquals("data"u8) : inData;
                if (!inData || json.CurrentDepth != 3 || !json.ValueTextEquals("embedding"u8))
                {
                    continue;
                }

                json.Read();
                var start = (int)json.TokenStartIndex;
                if (wantsBase64 && json.TokenType == JsonTokenType.StartArray && TryReadNumbers(ref json, numbers))
                {
                    edits.Add(new(start, (int)json.BytesConsumed - start, ToText(numbers)));
                }
                else if (!wantsBase64 && json.TokenType == JsonTokenType.String && json.TryGetBytesFromBase64(out var bytes) && bytes.Length % sizeof(float) == 0)
                {
                    edits.Add(new(start, (int)json.BytesConsumed - start, ToNumbers(bytes)));
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    // A matrix, as some engines give one for each token, stays what it is.
    private static bool TryReadNumbers(ref Utf8JsonReader json, List<float> numbers)
    {
        numbers.Clear();
        var ahead = json;
        while (ahead.Read() && ahead.TokenType == JsonTokenType.Number)
        {
            numbers.Add(ahead.GetSingle());
        }

        if (ahead.TokenType != JsonTokenType.EndArray)
        {
            return false;
        }

        json = ahead;
        return true;
    }

    private static byte[] ToText(List<float> numbers)
    {
        var length = Base64.GetMaxEncodedToUtf8Length(numbers.Count * sizeof(float));
        var text = new byte[length + 2];
        text[0] = text[^1] = (byte)'"';
        var floats = CollectionsMarshal.AsSpan(numbers);
        var raw = text.AsSpan(1, numbers.Count * sizeof(float));
        for (var i = 0; i < floats.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(raw[(i * sizeof(float))..], floats[i]);
        }

        Base64.EncodeToUtf8InPlace(text.AsSpan(1, length), raw.Length, out _);
        return text;
    }

    private static byte[] ToNumbers(byte[] raw)
    {
        var text = new StringBuilder("[");
        for (var at = 0; at < raw.Length; at += sizeof(float))
        {
            text.Append(at == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{BinaryPrimitives.ReadSingleLittleEndian(raw.AsSpan(at)):R}");
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }
}

/// <summary>Answers of <c>/v1/embeddings</c>.</summary>
internal sealed class EmbeddingEncoder : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange.Route.RunnerPath == InferenceRoute.Embeddings.Path && exchange.Request is JsonRequest request ? new EmbeddingEncoding(request.Fields.WantsBase64) : null;
}
