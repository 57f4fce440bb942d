using System.Text.Json;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>What a folder of a model in MLX form says of what the model is: its <c>config.json</c> and the files beside it.</summary>
/// <param name="Sees">It takes images.</param>
/// <param name="Hears">It takes sound.</param>
/// <param name="Generates">It continues text. False for what only measures or ranks texts, and for an adapter, which is no model by itself.</param>
internal sealed partial record ModelConfig(bool Sees, bool Hears, bool Generates)
{
    // The largest that are known have some hundred kilobytes, by the names of their classes.
    private const long Largest = 8 << 20;
    private const int Deepest = 64;

    // A tower is described under one of these; the last two are older forms.
    private static readonly string[] Towers = ["vision_config", "mm_vision_tower", "img_processor"];
    private static readonly string[] ImageTokens = ["image_token_id", "image_token_index"];
    private static readonly string[] ProcessorFiles = ["preprocessor_config.json", "processor_config.json"];
    private static readonly string[] SentenceFiles = ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"];

    /// <summary>Reads a folder. Never throws for what is in it: what cannot be read says nothing, and such a model is taken for one that generates text.</summary>
    public static ModelConfig Read(string folder)
    {
        using var json = Parse(Disk.Text(Path.Combine(folder, "config.json"), Largest));
        try
        {
            return json is null ? Of(folder, [], []) : Of(folder, Parts(json.RootElement), Architectures(json.RootElement));
        }
        catch (InvalidOperationException)
        {
            return Of(folder, [], []); // a name or a text with half a surrogate pair
        }
    }

    private static ModelConfig Of(string folder, List<JsonElement> parts, List<string> architectures)
    {
        var generates = !architectures.Exists(IsEncoder) && !SentenceFiles.Any(Has) && !IsAdapter(folder);

        // mlx_lm drops the tower when it converts, and leaves the image token and the name of the architecture: neither proves anything without a processor for images.
        var isTextOnly = parts.Exists(part => part.TryGetProperty("language_model_only", out var only) && only.ValueKind == JsonValueKind.True);
        var hints = parts.Exists(part => ImageTokens.Any(name => IsSet(part, name))) || architectures.Exists(name => name.EndsWith("ForConditionalGeneration", StringComparison.Ordinal));
        var hears = parts.Exists(part => IsSet(part, "audio_config"));
        var sees = parts.Exists(part => Towers.Any(name => IsSet(part, name))) || (hints && !hears && ProcessorFiles.Any(Has));
        return new ModelConfig(sees && !isTextOnly, hears && !isTextOnly, generates);

        bool Has(string name) => Disk.Length(Path.Combine(folder, name)) is not null;
    }

    // Models that also speak keep what listens and sees one level down.
    private static List<JsonElement> Parts(JsonElement root) => root.TryGetProperty("thinker_config", out var thinker) && thinker.ValueKind == JsonValueKind.Object ? [root, thinker] : [root];

    private static List<string> Architectures(JsonElement root) =>
        root.TryGetProperty("architectures", out var names) && names.ValueKind == JsonValueKind.Array
            ? [.. names.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!)]
            : [];

    private static bool IsEncoder(string architecture) =>
        architecture.EndsWith("ForSequenceClassification", StringComparison.Ordinal)
        || architecture.EndsWith("ForTokenClassification", StringComparison.Ordinal)
        || architecture.EndsWith("ForMaskedLM", StringComparison.Ordinal)
        || (architecture.EndsWith("Model", StringComparison.Ordinal) // BertModel, Gemma3TextModel; but not GPT2LMHeadModel, nor InternVLChatModel and ChatGLMModel
            && !architecture.Contains("LMHead", StringComparison.Ordinal)
            && !architecture.Contains("Chat", StringComparison.Ordinal));

    private static bool IsAdapter(string folder) =>
        Disk.Length(Path.Combine(folder, "adapter_config.json")) is not null
        && !FileWalk.Find(folder, ".safetensors", depth: 0).Any(file => Path.GetFileName(file).StartsWith("model", StringComparison.OrdinalIgnoreCase));

    private static bool IsSet(JsonElement part, string name) => part.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False);

    private static JsonDocument? Parse(string? text)
    {
        // Python writes infinity in a form that is no JSON, and real models have it.
        var document = text is null ? null : TryParse(text) ?? TryParse(NotJson().Replace(text, "null"));
        if (document is not null && document.RootElement.ValueKind != JsonValueKind.Object)
        {
            document.Dispose();
            return null;
        }

        return document;
    }

    private static JsonDocument? TryParse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = Deepest });
        }
        catch (Exception e) when (e is JsonException or ArgumentException) // the latter: text that is no UTF-16
        {
            return null;
        }
    }

    [GeneratedRegex(@"-?\b(?:Infinity|NaN)\b", RegexOptions.CultureInvariant)]
    private static partial Regex NotJson();
}
