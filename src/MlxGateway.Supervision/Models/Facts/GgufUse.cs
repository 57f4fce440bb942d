namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a GGUF file is for.</summary>
internal static class GgufUse
{
    private const int RankPooling = 4; // LLAMA_POOLING_TYPE_RANK; 1 to 3 make one vector of a text, 0 none

    // Those of llama.cpp that only read: they have no memory of a conversation and write nothing.
    private static readonly HashSet<string> Encoders =
        ["bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "modern-bert", "eurobert", "jina-bert-v2", "jina-bert-v3", "gemma-embedding", "llama-embed", "t5encoder"];

    // Parts of other models (a vocoder, drafts that guess for another) and image or video generators, which other programs keep in GGUF files too.
    private static readonly HashSet<string> Others =
    [
        "wavtokenizer-dec", "eagle3", "dflash", "gemma4-assistant",
        "sd1", "sdxl", "sd3", "flux", "aura", "ltxv", "hyvid", "wan", "hidream", "cosmos", "lumina2", "qwen_image", "pig",
    ];

    /// <summary>What it is for.</summary>
    public static ModelUse Of(GgufKeys keys)
    {
        var architecture = keys.Architecture ?? "";
        return (keys.Text("general.type"), keys.OfDesign("pooling_type")) switch
        {
            ("adapter", _) => ModelUse.Adapter,
            _ when IsProjector(keys) => ModelUse.Other,
            ("imatrix" or "vocab", _) => ModelUse.Other,
            (_, RankPooling) => ModelUse.Reranking,
            _ when Others.Contains(architecture) => ModelUse.Other,
            (_, >= 1 and < RankPooling) => ModelUse.Embedding,
            _ when Encoders.Contains(architecture) => ModelUse.Embedding,
            _ when architecture == "whisper" => ModelUse.Transcription,
            _ => ModelUse.Chat,
        };
    }

    /// <summary>Whether it only reads, so that no keys and values are kept.</summary>
    public static bool IsEncoder(string? architecture) => architecture is not null && Encoders.Contains(architecture);

    /// <summary>Whether it turns images or sound into what another model reads.</summary>
    public static bool IsProjector(GgufKeys keys) => keys.Text("general.type") == "mmproj" || keys.Architecture == "clip";

    /// <summary>Into how many pieces a projector cuts an image of the size that it was made for; null of anything else.</summary>
    public static int? ImageTokens(GgufKeys keys) =>
        IsProjector(keys) && keys.Size("vision.image_size") is { } size && keys.Size("vision.patch_size") is > 0 and var patch && size / patch is > 0 and <= (1 << 12) and var side ? side * side : null;

    /// <summary>What it can be sent: of a projector, what the model gets through it; of anything else, text.</summary>
    public static ValueList<string> Modalities(GgufKeys keys)
    {
        if (!IsProjector(keys))
        {
            return Modality.TextAlone;
        }

        var hears = keys.Number("clip.has_audio_encoder") == 1;

        // The first projectors were for images alone, and not all of them say so.
        return Modality.Of(sees: keys.Number("clip.has_vision_encoder") is { } sees ? sees == 1 : !hears, hears);
    }
}
