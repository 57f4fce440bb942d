namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Which layers forget what lies behind a window. Only where <c>mlx_lm</c> makes them forget: Gemma 2, Mistral and Qwen2 have windows by their papers, and it keeps all.</summary>
internal static class MlxWindows
{
    /// <summary>After how many tokens a layer forgets the oldest; null: never.</summary>
    public static int? Of(ConfigKeys keys, string type, int layer, int layers) => type switch
    {
        "gemma3" or "gemma3_text" => Slides(!EndsPattern(keys, layer, 6), keys.Count("sliding_window") ?? 512),
        "cohere2" => Slides(!EndsPattern(keys, layer, 4), keys.Count("sliding_window") ?? 4096),
        "plamo3" => Slides(!EndsPattern(keys, layer, 8), keys.Count("window_size", "sliding_window")),
        "exaone4" => keys.Text("sliding_window_pattern") is { Length: > 0 } pattern ? Slides(pattern[layer % pattern.Length] == 'L', keys.Count("sliding_window")) : null,
        "gpt_oss" => Slides(Named(keys, layer) ?? layer % 2 == 0, keys.Count("sliding_window") ?? 128),
        "olmo3" => Slides(Named(keys, layer) ?? layer % 4 != 3, keys.Count("sliding_window")),
        "gemma4" or "gemma4_text" or "gemma4_unified" => Slides(Named(keys, layer) ?? !EndsPattern(keys, layer, 5), keys.Count("sliding_window") ?? 512),
        "step3p5" => Slides(Named(keys, layer) ?? layer % 2 == 0, keys.Count("sliding_window") ?? 512),
        "mimo_v2_flash" => Slides(keys.Counts("hybrid_layer_pattern") is { } hybrid && layer < hybrid.Length && hybrid[layer] == 1, keys.Count("sliding_window_size", "sliding_window")),
        "llama4" => Slides((layer + 1) % 4 != 0, keys.Count("attention_chunk_size")), // drops what lies before the chunk
        "recurrent_gemma" => keys.Count("attention_window_size"),
        "llama" or "mistral" or "iquestcoder" or "xverse" or "ministral3" or "gemma3n" or "gemma3n_text" or "afmoe" or "exaone_moe" or "mellum" or "laguna" or "muse_glimmer" or "muse_spark" or "spark2_5" or "gear"
            => Slides(Named(keys, layer) ?? false, keys.Count("sliding_window")),
        _ => null,
    };

    private static int? Slides(bool slides, int? window) => slides ? window : null;

    private static bool? Named(ConfigKeys keys, int layer) => keys.Texts("layer_types") is { } names && layer < names.Length ? names[layer] == "sliding_attention" : null;

    private static bool EndsPattern(ConfigKeys keys, int layer, int usual) => (layer + 1) % (keys.Count("sliding_window_pattern") ?? usual) == 0;
}
