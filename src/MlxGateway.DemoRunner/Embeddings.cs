using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>Vectors of length one that depend on nothing but the text.</summary>
internal static class Embeddings
{
    private const int Dimensions = 8;

    /// <summary>The answer to an embeddings request.</summary>
    /// <exception cref="FormatException">The request has no <c>input</c>, or one of the wrong type.</exception>
    public static byte[] Answer(JsonElement body, string ownModel)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("input", out var input))
        {
            throw new FormatException("'input' is missing");
        }

        var base64 = body.TryGetProperty("encoding_format", out var format) && format.ValueKind == JsonValueKind.String && format.ValueEquals("base64");
        var model = body.TryGetProperty("model", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : ownModel;
        var texts = Texts(input);
        return Json.Write(json =>
        {
            json.WriteString("object", "list");
            json.WriteString("model", model);
            json.WriteStartArray("data");
            for (var i = 0; i < texts.Length; i++)
            {
                json.WriteStartObject();
                json.WriteString("object", "embedding");
                json.WriteNumber("index", i);
                json.WritePropertyName("embedding");
                WriteVector(json, Vector(texts[i]), base64);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("usage");
            var tokens = texts.Sum(t => t.Split(' ').Length);
            json.WriteNumber("prompt_tokens", tokens);
            json.WriteNumber("total_tokens", tokens);
            json.WriteEndObject();
        });
    }

    // A text, several of them, the tokens of one text, or the tokens of several.
    private static string[] Texts(JsonElement input) => input.ValueKind switch
    {
        JsonValueKind.String => [input.GetString()!],
        JsonValueKind.Array when input.GetArrayLength() > 0 && input[0].ValueKind == JsonValueKind.Number => [input.GetRawText()],
        JsonValueKind.Array => [.. input.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : e.GetRawText())],
        _ => throw new FormatException("'input' is neither text nor an array"),
    };

    private static float[] Vector(string text)
    {
        // FNV-1a, continued for each dimension. Not string.GetHashCode, which differs from process to process.
        var hash = 14695981039346656037UL;
        foreach (var one in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ one) * 1099511628211UL;
        }

        var vector = new float[Dimensions];
        for (var i = 0; i < Dimensions; i++)
        {
            hash = (hash ^ (ulong)i) * 1099511628211UL;
            vector[i] = ((hash >> 40) / (float)(1 << 24)) - 0.5f;
        }

        var length = MathF.Sqrt(vector.Sum(v => v * v));
        return Array.ConvertAll(vector, v => v / length);
    }

    private static void WriteVector(Utf8JsonWriter json, float[] vector, bool base64)
    {
        if (base64)
        {
            json.WriteBase64StringValue(MemoryMarshal.AsBytes(vector.AsSpan()));
            return;
        }

        json.WriteStartArray();
        Array.ForEach(vector, json.WriteNumberValue);
        json.WriteEndArray();
    }
}
