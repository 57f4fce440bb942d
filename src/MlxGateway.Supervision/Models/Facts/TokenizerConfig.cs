using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What matters of a <c>tokenizer_config.json</c>, or of a <c>chat_template.json</c>.</summary>
/// <param name="Templates">The chat templates: one, or several for different uses; empty if there are none.</param>
/// <param name="Length"><c>model_max_length</c>: how many tokens the tokenizer was set for, which may be any number.</param>
/// <param name="HasNamedTemplate">Whether the engine is told to use one of its own templates (<c>chat_template_type</c>).</param>
internal sealed record TokenizerConfig(ValueList<string> Templates, double? Length, bool HasNamedTemplate)
{
    private const int Deepest = 64;
    private const int MostTemplates = 32;

    /// <summary>One that says nothing.</summary>
    public static TokenizerConfig Empty { get; } = new([], null, false);

    /// <summary>Reads it; what cannot be read says nothing. The added tokens, which are most of it, are skipped.</summary>
    public static TokenizerConfig Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return Read(new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Deepest }));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Empty; // the latter: a text with half a surrogate pair
        }
    }

    private static TokenizerConfig Read(Utf8JsonReader reader)
    {
        var (templates, length, isNamed) = (new List<string>(), (double?)null, false);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return Empty;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isTemplate, isLength, isType) = (reader.ValueTextEquals("chat_template"u8), reader.ValueTextEquals("model_max_length"u8), reader.ValueTextEquals("chat_template_type"u8));
            reader.Read();
            if (isTemplate)
            {
                templates.Clear();
                Take(ref reader, templates);
            }
            else if (isLength && reader.TokenType == JsonTokenType.Number)
            {
                length = reader.TryGetDouble(out var number) ? number : null;
            }
            else
            {
                isNamed |= isType && reader.TokenType == JsonTokenType.String;
                reader.Skip();
            }
        }

        return new TokenizerConfig(ValueList.From(templates), length, isNamed);
    }

    // A text; a list of {"name": …, "template": …}; or an object of texts by name.
    private static void Take(ref Utf8JsonReader reader, List<string> templates)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            templates.Add(reader.GetString()!);
            return;
        }

        var depth = reader.CurrentDepth;
        var isList = reader.TokenType == JsonTokenType.StartArray;
        if (!isList && reader.TokenType != JsonTokenType.StartObject)
        {
            return;
        }

        var counts = !isList;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (isList && reader.TokenType == JsonTokenType.PropertyName)
            {
                counts = reader.ValueTextEquals("template"u8);
            }
            else if (counts && reader.TokenType == JsonTokenType.String && reader.CurrentDepth == depth + (isList ? 2 : 1) && templates.Count < MostTemplates)
            {
                templates.Add(reader.GetString()!);
            }
        }
    }
}
