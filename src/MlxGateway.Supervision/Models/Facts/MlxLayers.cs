namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a layer keeps.</summary>
[Flags]
internal enum LayerKind
{
    /// <summary>Nothing: it has no attention, or looks into another layer's keys.</summary>
    Nothing = 0,

    /// <summary>Keys and values.</summary>
    Attention = 1,

    /// <summary>A state of constant size.</summary>
    Recurrent = 2,
}

/// <summary>Which layers of a design attend and which are recurrent.</summary>
internal static class MlxLayers
{
    /// <summary>What a layer keeps; null if the configuration does not tell although it should.</summary>
    public static LayerKind? Of(ConfigKeys keys, string type, int layer, int layers) => type switch
    {
        "mamba" or "falcon_mamba" or "mamba2" or "rwkv7" => LayerKind.Recurrent,
        "falcon_h1" => LayerKind.Attention | LayerKind.Recurrent,
        "jamba" => Named(keys, "layers_block_type", layer) ?? Period(keys, layer),
        "granitemoehybrid" => Named(keys, "layer_types", layer),
        "nemotron_h" => Pattern(keys, layer),
        "qwen3_next" or "qwen3_5" or "qwen3_5_text" or "qwen3_5_moe" or "qwen3_5_moe_text" => Attends((layer + 1) % (keys.Count("full_attention_interval") ?? 4) == 0),
        "olmo_hybrid" => Named(keys, "layer_types", layer) ?? Attends(layer % 4 == 3),
        "lfm2" or "lfm2_moe" => Attends(keys.Counts("full_attn_idxs")?.Contains(layer) ?? At(keys.Texts("layer_types"), layer) == "full_attention"),
        "recurrent_gemma" => (keys.Texts("block_types") ?? keys.Texts("_block_types")) is { Length: > 0 } blocks ? Named(blocks[layer % blocks.Length]) : null,
        "plamo2" => Attends(!IsPlamoMamba(keys.Count("mamba_step") ?? 2, layer, layers)),
        "bailing_moe_linear" or "bailing_hybrid" => keys.Count("layer_group_size") is { } group ? Attends((layer + 1) % group == 0 || layer >= layers / group * group) : null,
        "nemotron-nas" => keys.Has("block_configs") ? Attends(MlxAttention.BlockGroup(keys, layer) is not null) : LayerKind.Attention,
        "gemma3n" or "gemma3n_text" or "gemma4" or "gemma4_text" or "gemma4_unified" => layer < layers - (keys.Count("num_kv_shared_layers") ?? 0) ? LayerKind.Attention : LayerKind.Nothing,
        _ => KimiDelta(keys, layer) ?? LayerKind.Attention,
    };

    private static LayerKind Attends(bool yes) => yes ? LayerKind.Attention : LayerKind.Recurrent;

    private static LayerKind? Named(ConfigKeys keys, string list, int layer) => At(keys.Texts(list), layer) is { } name ? Named(name) : null;

    private static LayerKind? Named(string name) => name switch
    {
        "attention" or "full_attention" => LayerKind.Attention,
        "mamba" or "linear_attention" or "recurrent" => LayerKind.Recurrent,
        "mlp" or "moe" => LayerKind.Nothing,
        _ => null,
    };

    private static LayerKind? Period(ConfigKeys keys, int layer) =>
        keys.Count("attn_layer_period") is { } period ? Attends(layer % period == (keys.Count("attn_layer_offset") ?? 0)) : null;

    private static LayerKind? Pattern(ConfigKeys keys, int layer) => keys.Text("hybrid_override_pattern") is { } pattern
        ? (layer < pattern.Length ? pattern[layer] : ' ') switch
        {
            'M' => LayerKind.Recurrent,
            '*' => LayerKind.Attention,
            '-' or 'E' => LayerKind.Nothing,
            _ => null,
        }
        : Named(keys, "layers_block_type", layer) ?? Named(keys, "layer_types", layer);

    // Kimi counts its layers from 1.
    private static LayerKind? KimiDelta(ConfigKeys keys, int layer) =>
        keys.Object("linear_attn_config")?.Counts("kda_layers") is { } delta ? Attends(!delta.Contains(layer + 1)) : null;

    private static bool IsPlamoMamba(int step, int layer, int layers) => layers <= step / 2 ? layer != layers - 1 : layer % step != step / 2;

    private static string? At(string[]? list, int layer) => list is not null && layer < list.Length ? list[layer] : null;
}
