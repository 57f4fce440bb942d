namespace MlxGateway.Supervision.Models.Facts;

/// <summary>How many values a layer that attends keeps for each token.</summary>
internal static class MlxAttention
{
    /// <summary>The number of heads that ask.</summary>
    public static int? Heads(ConfigKeys keys, string type) => keys.Count("num_attention_heads", "n_head", "n_heads", "num_heads") ?? type switch
    {
        "gemma3" or "gemma3_text" => keys.IsNested ? 8 : 4, // left out where they are the usual ones
        "gemma4" or "gemma4_text" or "gemma4_unified" => 8,
        _ => null,
    };

    /// <summary>The values; null if the configuration does not tell.</summary>
    /// <param name="slides">Whether the layer forgets: some designs give such layers other heads.</param>
    public static long? ValuesPerToken(ConfigKeys keys, string type, int layer, bool slides) => type switch
    {
        "deepseek_v2" or "youtu_llm" or "minicpm3" => Unpacked(keys, type), // compressed by design, kept unpacked
        "deepseek_v32" or "glm_moe_dsa" => Latent(keys) + (2 * keys.Count("index_head_dim")), // and the keys of the indexer, beside which 0.32 keeps as many zeros
        "longcat_flash" or "longcat_flash_ngram" => 2 * Latent(keys), // attends twice
        "step3p5" => KeysAndValues((slides ? keys.Object("attention_other_setting")?.Count("num_attention_groups") : null) ?? keys.Count("num_attention_groups"), HeadSize(keys, type)),
        "mimo_v2_flash" when slides => KeysAndValues(keys.Count("swa_num_key_value_heads"), keys.Count("swa_head_dim"), keys.Count("swa_v_head_dim")),
        "gemma4" or "gemma4_text" or "gemma4_unified" when !slides => KeysAndValues(Gemma4Heads(keys), keys.Count("global_head_dim") ?? 512),
        "gpt_bigcode" when keys.IsTrue("multi_query") || !keys.Has("multi_query") => KeysAndValues(1, HeadSize(keys, type)),
        "nemotron-nas" when BlockGroup(keys, layer) is { } group => KeysAndValues(Heads(keys, type) / group, HeadSize(keys, type)),
        _ => Latent(keys) ?? KeysAndValues(KeyHeads(keys, type, layer), HeadSize(keys, type), keys.Count("v_head_dim")),
    };

    /// <summary>How many heads share a key in a block of a design whose blocks differ; null: the block does not attend.</summary>
    public static int? BlockGroup(ConfigKeys keys, int layer) =>
        keys.Objects("block_configs") is { } blocks && layer < blocks.Length ? blocks[layer].Object("attention")?.Count("n_heads_in_group") : null;

    private static long? Latent(ConfigKeys keys) => (long?)keys.Count("kv_lora_rank") + keys.Count("qk_rope_head_dim");

    private static long? Unpacked(ConfigKeys keys, string type)
    {
        var valueSize = type == "minicpm3" ? HeadSize(keys, type) : keys.Count("v_head_dim");
        return Heads(keys, type) * ((long?)keys.Count("qk_nope_head_dim") + keys.Count("qk_rope_head_dim") + valueSize);
    }

    private static long? KeysAndValues(int? heads, int? keySize, int? valueSize = null) =>
        heads is { } h && keySize is { } k ? Saturating.Multiply(h, (long)k + (valueSize ?? k)) : null;

    private static int? HeadSize(ConfigKeys keys, string type) => keys.Count("head_dim", "attention_head_dim", "hidden_size_per_head", "kv_channels") ?? type switch
    {
        "gemma3" or "gemma3_text" or "gemma4" or "gemma4_text" or "gemma4_unified" => 256,
        "gpt_oss" => 64,
        "cohere2" => 128,
        _ => MlxSizes.Hidden(keys) is { } hidden && Heads(keys, type) is { } heads && heads <= hidden ? hidden / heads : null,
    };

    private static int? KeyHeads(ConfigKeys keys, string type, int layer) =>
        (keys.Counts("num_kv_heads") is { } each && layer < each.Length ? (int?)each[layer] : null) // OpenELM: each layer its own
        ?? keys.Count("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_head_kv", "multi_query_group_num", "num_attention_groups")
        ?? type switch
        {
            "gemma3" or "gemma3_text" => keys.IsNested ? 4 : 1,
            "gemma4" or "gemma4_text" or "gemma4_unified" => 1,
            "gpt_oss" or "cohere2" => 8,
            _ => Heads(keys, type),
        };

    private static int? Gemma4Heads(ConfigKeys keys) =>
        (keys.IsTrue("attention_k_eq_v") ? keys.Count("num_global_key_value_heads") : null) ?? keys.Count("num_key_value_heads") ?? 1;
}
