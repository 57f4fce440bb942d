using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Writes texts and calls as JSON.</summary>
internal static class CallJson
{
    /// <summary>Readable: what need not be escaped is not.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>A text, with its quotes. Half a character becomes the one that stands for none.</summary>
    public static void WriteText(IBufferWriter<byte> to, ReadOnlySpan<char> text)
    {
        using var json = new Utf8JsonWriter(to, new JsonWriterOptions { Encoder = Encoder });
        json.WriteStringValue(text);
    }

    /// <summary>A text, with its quotes.</summary>
    public static byte[] Text(ReadOnlySpan<char> text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 16);
        WriteText(bytes, text);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>A text with its quotes that is one of JSON and of Python alike, for a model to read: nothing is escaped that need not be.</summary>
    public static string TextOf(ReadOnlySpan<char> text)
    {
        var quoted = new StringBuilder(text.Length + 8).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>The list of calls as a message has it.</summary>
    /// <param name="to">Takes it.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="first">The index of the first of them; null: a whole message has none.</param>
    public static void WriteCalls(IBufferWriter<byte> to, IReadOnlyList<FoundCall> calls, int? first)
    {
        using var json = new Utf8JsonWriter(to, new JsonWriterOptions { Encoder = Encoder });
        json.WriteStartArray();
        for (var i = 0; i < calls.Count; i++)
        {
            json.WriteStartObject();
            if (first is { } index)
            {
                json.WriteNumber("index"u8, index + i);
            }

            json.WriteString("id"u8, $"call_{Guid.NewGuid():n}"[..29]); // as long as OpenAI's own
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, calls[i].Name);
            json.WriteString("arguments"u8, calls[i].Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
