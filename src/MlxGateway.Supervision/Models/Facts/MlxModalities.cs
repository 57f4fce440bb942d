using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a model of the Hugging Face form can be sent.</summary>
internal static class MlxModalities
{
    // A tower is described under one of these; the last two are older forms.
    private static readonly string[] Towers = ["vision_config", "mm_vision_tower", "img_processor"];
    private static readonly string[] ImageTokens = ["image_token_id", "image_token_index"];
    private static readonly string[] ProcessorFiles = ["preprocessor_config.json", "processor_config.json"];

    /// <summary>Some of <see cref="Modality"/>, text first.</summary>
    /// <param name="has">Whether a file with bytes lies in the folder.</param>
    public static ValueList<string> Of(ConfigKeys? keys, ModelUse use, Func<string, bool> has)
    {
        if (keys is null || Any(keys, part => part.Value("language_model_only") is { ValueKind: JsonValueKind.True }))
        {
            return Modality.Of(false, hears: use == ModelUse.Transcription);
        }

        // mlx_lm drops the tower when it converts, and leaves the image token and the name of the architecture: neither proves anything without a processor for images.
        var hints = Any(keys, part => ImageTokens.Any(name => IsSet(part, name))) || keys.Architectures.Any(name => name.EndsWith("ForConditionalGeneration", StringComparison.Ordinal));
        var hears = use == ModelUse.Transcription || Any(keys, part => IsSet(part, "audio_config"));
        var sees = Any(keys, part => Towers.Any(name => IsSet(part, name))) || (hints && !hears && ProcessorFiles.Any(has));
        return Modality.Of(sees, hears);
    }

    private static bool Any(ConfigKeys keys, Func<ConfigPart, bool> says) => keys.Whole.Any(says);

    private static bool IsSet(ConfigPart part, string name) => part.Value(name) is { } value && value.ValueKind != JsonValueKind.False;
}
