using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace MlxGateway.Supervision.Settings;

/// <summary>
/// JSON of any shape that was written in the configuration. The configuration keeps texts only, so what was <c>0.7</c>, <c>true</c>, <c>null</c> or a list is told by its text:
/// whatever is JSON by itself is taken for that, and everything else for a text. A text that looks like a number is written with quotes of its own: <c>"\"7\""</c>.
/// </summary>
/// <param name="Json">One JSON value.</param>
public sealed record JsonText(string Json)
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a section says: keys make an object, numbers without a gap make a list.</summary>
    internal static JsonText From(IConfigurationSection section)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Readable))
        {
            Write(writer, section);
        }

        return new JsonText(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter writer, IConfigurationSection section)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0)
        {
            WriteOne(writer, section.Value);
        }
        else if (children.Select((child, index) => child.Key == index.ToString(CultureInfo.InvariantCulture)).All(isNext => isNext))
        {
            writer.WriteStartArray();
            children.ForEach(child => Write(writer, child));
            writer.WriteEndArray();
        }
        else
        {
            writer.WriteStartObject();
            foreach (var child in children)
            {
                writer.WritePropertyName(child.Key);
                Write(writer, child);
            }

            writer.WriteEndObject();
        }
    }

    private static void WriteOne(Utf8JsonWriter writer, string? text)
    {
        if (text is null)
        {
            writer.WriteNullValue();
        }
        else if (text is "True" or "False")
        {
            writer.WriteBooleanValue(text is "True"); // so the configuration spells what was true or false in the file
        }
        else if (IsJson(text))
        {
            writer.WriteRawValue(text.Trim(), skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(text);
        }
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (ArgumentException)
        {
            return false; // half a character
        }
    }
}
