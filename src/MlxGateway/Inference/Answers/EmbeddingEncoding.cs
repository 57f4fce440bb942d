using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>
/// Gives embeddings in the encoding that was asked for: numbers, or the base64 of 32-bit floats, little-endian, one behind the other. Clients ask for base64 and engines answer numbers all the
/// same; one client then makes garbage of them without an error.
/// </summary>
internal sealed class EmbeddingEncoding(bool wantsBase64) : IAnswerFilter
{
    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) => events;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => new EventEditor(Edit).EditBody(body);

    private void Edit(ReadOnlySpan<byte> body, DataEdits edits)
    {
        try
        {
            // data (1) [ item (2) { embedding (3)
            var json = new Utf8JsonReader(body);
            var inData = false;
            var numbers = new List<float>(1024);
            var text = new ArrayBufferWriter<byte>();
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
                    WriteText(numbers, text);
                    edits.Put(start, (int)json.BytesConsumed - start, text.WrittenSpan);
                }
                else if (!wantsBase64 && json.TokenType == JsonTokenType.String && json.TryGetBytesFromBase64(out var bytes) && TryWriteNumbers(bytes, text))
                {
                    edits.Put(start, (int)json.BytesConsumed - start, text.WrittenSpan);
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

    private static void WriteText(List<float> numbers, ArrayBufferWriter<byte> to)
    {
        to.ResetWrittenCount();
        var raw = numbers.Count * sizeof(float);
        var length = Base64.GetMaxEncodedToUtf8Length(raw);
        var text = to.GetSpan(length + 2)[..(length + 2)];
        text[0] = text[^1] = (byte)'"';
        var floats = CollectionsMarshal.AsSpan(numbers);
        for (var i = 0; i < floats.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(text[(1 + (i * sizeof(float)))..], floats[i]);
        }

        Base64.EncodeToUtf8InPlace(text.Slice(1, length), raw, out _);
        to.Advance(text.Length);
    }

    // False: it is no list of numbers, or of some that JSON cannot say.
    private static bool TryWriteNumbers(ReadOnlySpan<byte> raw, ArrayBufferWriter<byte> to)
    {
        to.ResetWrittenCount();
        for (var at = 0; at + sizeof(float) <= raw.Length; at += sizeof(float))
        {
            var number = BinaryPrimitives.ReadSingleLittleEndian(raw[at..]);
            if (!float.IsFinite(number))
            {
                return false;
            }

            to.Write(at == 0 ? "["u8 : ","u8);
            _ = number.TryFormat(to.GetSpan(32), out var written, "R", CultureInfo.InvariantCulture);
            to.Advance(written);
        }

        to.Write(raw.IsEmpty ? "[]"u8 : "]"u8);
        return raw.Length % sizeof(float) == 0;
    }
}

/// <summary>Answers of <c>/v1/embeddings</c>.</summary>
internal sealed class EmbeddingEncoder : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange.Route.RunnerPath == InferenceRoute.Embeddings.Path && exchange.Request is JsonRequest request ? new EmbeddingEncoding(request.Fields.WantsBase64) : null;
}
