using System.Text;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What published models keep for each token, worked out by hand from what their makers say of them. A value takes 2 bytes.</summary>
public sealed class PublishedCacheTests
{
    private const int Short = 512;
    private const int Long = 32_768;

    public static TheoryData<Published> Models =>
    [
        // 32 layers × 8 heads × (128 + 128) = 65,536 values; the size of a head is 4096 / 32.
        new Published("meta-llama/Llama-3.1-8B-Instruct", """{"model_type":"llama","hidden_size":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8}""", 131_072),

        // 80 × 8 × 256 = 163,840; a head is 8192 / 64.
        new Published("meta-llama/Llama-3.1-70B-Instruct", """{"model_type":"llama","hidden_size":8192,"num_attention_heads":64,"num_hidden_layers":80,"num_key_value_heads":8}""", 327_680),

        // 36 × 8 × 256 = 73,728.
        new Published("Qwen/Qwen3-8B", """{"model_type":"qwen3","head_dim":128,"hidden_size":4096,"max_window_layers":36,"num_attention_heads":32,"num_hidden_layers":36,"num_key_value_heads":8,"sliding_window":null,"use_sliding_window":false}""", 147_456),

        // 48 × 4 × 256 = 49,152; a head is 128 although 2048 / 32 is 64.
        new Published("Qwen/Qwen3-30B-A3B", """{"model_type":"qwen3_moe","head_dim":128,"hidden_size":2048,"num_attention_heads":32,"num_hidden_layers":48,"num_key_value_heads":4,"num_experts":128}""", 98_304),

        // 34 layers of 4 × (256 + 256) = 2,048 values, every sixth of which (5 in all) keeps everything. The heads are left out where they are the usual ones.
        // 34 × 2,048 × 512 = 35,651,584; 5 × 2,048 × 32,768 + 29 × 2,048 × 1,024 = 335,544,320 + 60,817,408.
        new Published("google/gemma-3-4b-it", """{"model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"vision_config":{"hidden_size":1152,"num_attention_heads":16,"num_hidden_layers":27}}""",
            139_264, AtShort: 71_303_168, AtLong: 792_723_456),

        // 62 layers of 16 × 256 = 4,096 values, 10 keep everything: 62 × 4,096 × 512 = 130,023,424; 10 × 4,096 × 32,768 + 52 × 4,096 × 1,024 = 1,342,177,280 + 218,103,808.
        new Published("google/gemma-3-27b-it", """{"model_type":"gemma3","text_config":{"head_dim":128,"hidden_size":5376,"model_type":"gemma3_text","num_attention_heads":32,"num_hidden_layers":62,"num_key_value_heads":16,"sliding_window":1024}}""",
            507_904, AtShort: 260_046_848, AtLong: 3_120_562_176),

        // Of 35 layers the last 15 look into the keys of others. Of the 20 before, every fifth keeps everything (4), the others 512 tokens; 2 × 512 = 1,024 values each.
        // 20 × 1,024 × 512 = 10,485,760; 4 × 1,024 × 32,768 + 16 × 1,024 × 512 = 134,217,728 + 8,388,608.
        new Published("google/gemma-3n-E4B-it", $$$"""{"model_type":"gemma3n","text_config":{"head_dim":256,"hidden_size":2048,"layer_types":[{{{Gemma3n}}}],"model_type":"gemma3n_text","num_attention_heads":8,"num_hidden_layers":35,"num_key_value_heads":2,"num_kv_shared_layers":15,"sliding_window":512}}""",
            40_960, AtShort: 20_971_520, AtLong: 285_212_672),

        // 40 × 10 × 256 = 102,400.
        new Published("microsoft/phi-4", """{"model_type":"phi3","hidden_size":5120,"num_attention_heads":40,"num_hidden_layers":40,"num_key_value_heads":10,"sliding_window":null}""", 204_800),

        // 40 × 8 × 256 = 81,920; a head is 128 although 5120 / 32 is 160.
        new Published("mistralai/Mistral-Small-24B-Instruct-2501", """{"model_type":"mistral","head_dim":128,"hidden_size":5120,"num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,"sliding_window":null}""", 163_840),

        // The window of the paper (4,096 tokens) is not obeyed: 32 × 8 × 256 = 65,536 values to the end.
        new Published("mistralai/Mistral-7B-v0.1", """{"model_type":"mistral","hidden_size":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"sliding_window":4096}""", 131_072),

        // Nor is that of every second layer of this one: 42 × 8 × 512 = 172,032.
        new Published("google/gemma-2-9b-it", """{"model_type":"gemma2","head_dim":256,"hidden_size":3584,"num_attention_heads":16,"num_hidden_layers":42,"num_key_value_heads":8,"sliding_window":4096}""", 344_064),

        // The latent alone: 61 × (512 + 64) = 35,136.
        new Published("deepseek-ai/DeepSeek-V3", """{"model_type":"deepseek_v3","hidden_size":7168,"kv_lora_rank":512,"num_attention_heads":128,"num_hidden_layers":61,"num_key_value_heads":128,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128}""", 70_272),

        // Unpacked, because the engine keeps it so: 27 × 16 × (128 + 64 + 128) = 138,240.
        new Published("deepseek-ai/DeepSeek-V2-Lite-Chat", """{"model_type":"deepseek_v2","hidden_size":2048,"kv_lora_rank":512,"num_attention_heads":16,"num_hidden_layers":27,"num_key_value_heads":16,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128}""", 276_480),

        // 24 layers of 8 × 128 = 1,024 values, every second with a window of 128: 12 × 1,024 × 512 + 12 × 1,024 × 128 = 6,291,456 + 1,572,864; 402,653,184 + 1,572,864.
        new Published("openai/gpt-oss-20b", """{"model_type":"gpt_oss","head_dim":64,"hidden_size":2880,"num_attention_heads":64,"num_hidden_layers":24,"num_key_value_heads":8,"sliding_window":128}""",
            49_152, AtShort: 15_728_640, AtLong: 808_452_096),

        // 32 layers of 8 × 256 = 2,048 values, every fourth keeps everything: 32 × 2,048 × 512; 8 × 2,048 × 32,768 + 24 × 2,048 × 4,096 = 536,870,912 + 201,326,592.
        new Published("CohereLabs/c4ai-command-r7b-12-2024", """{"model_type":"cohere2","head_dim":128,"hidden_size":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"sliding_window":4096,"sliding_window_pattern":4}""",
            131_072, AtShort: 67_108_864, AtLong: 1_476_395_008),

        // 48 layers of 8 × 256 = 2,048 values, every fourth keeps everything, the others their chunk of 8,192: 12 × 2,048 × 32,768 + 36 × 2,048 × 8,192 = 805,306,368 + 603,979,776.
        new Published("meta-llama/Llama-4-Scout-17B-16E-Instruct", """{"model_type":"llama4","text_config":{"attention_chunk_size":8192,"head_dim":128,"hidden_size":5120,"model_type":"llama4_text","num_attention_heads":40,"num_hidden_layers":48,"num_key_value_heads":8}}""",
            196_608, AtShort: 100_663_296, AtLong: 2_818_572_288),

        // 4 of 52 layers attend: 4 × 8 × 256 = 8,192 values. 24 are of Mamba 2: inner width 128 × 64 = 8,192, convolution 3 × (8,192 + 2 × 8 × 128) × 2 bytes = 61,440,
        // state 8,192 × 128 × 4 bytes = 4,194,304; 24 × 4,255,744 = 102,137,856.
        new Published("nvidia/Nemotron-H-8B-Base-8K", """{"model_type":"nemotron_h","attention_head_dim":128,"conv_kernel":4,"hidden_size":4096,"hybrid_override_pattern":"M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-","mamba_head_dim":64,"mamba_num_heads":128,"n_groups":8,"num_attention_heads":32,"num_hidden_layers":52,"num_key_value_heads":8,"ssm_state_size":128}""",
            16_384, State: 102_137_856),

        // 12 of 48 layers attend: 12 × 2 × 512 = 12,288 values. The other 36 are delta nets: convolution 3 × (2 × 16 × 128 + 32 × 128) × 2 bytes = 49,152, state 32 × 128 × 128 × 4 bytes
        // = 2,097,152; 36 × 2,146,304 = 77,266,944.
        new Published("Qwen/Qwen3-Next-80B-A3B-Instruct", """{"model_type":"qwen3_next","full_attention_interval":4,"head_dim":256,"hidden_size":2048,"linear_conv_kernel_dim":4,"linear_key_head_dim":128,"linear_num_key_heads":16,"linear_num_value_heads":32,"linear_value_head_dim":128,"num_attention_heads":16,"num_hidden_layers":48,"num_key_value_heads":2}""",
            24_576, State: 77_266_944),

        // 4 of 32 layers attend: 4 × 8 × 256 = 8,192 values. 28 of Mamba: inner width 2 × 4,096, convolution 3 × 8,192 × 4 bytes = 98,304, state 8,192 × 16 × 4 bytes = 524,288; 28 × 622,592.
        new Published("ai21labs/AI21-Jamba-1.5-Mini", """{"model_type":"jamba","attn_layer_offset":4,"attn_layer_period":8,"hidden_size":4096,"mamba_d_conv":4,"mamba_d_state":16,"mamba_expand":2,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8}""",
            16_384, State: 17_432_576),

        // 7 of 27 layers attend, compressed: 7 × 576 = 4,032 values. 20 delta nets: convolutions 3 × 3 × 4,096 × 2 bytes = 73,728, state 32 × 128 × 128 × 4 bytes = 2,097,152; 20 × 2,170,880.
        new Published("moonshotai/Kimi-Linear-48B-A3B-Instruct", """{"model_type":"kimi_linear","hidden_size":2304,"kv_lora_rank":512,"linear_attn_config":{"full_attn_layers":[4,8,12,16,20,24,27],"head_dim":128,"kda_layers":[1,2,3,5,6,7,9,10,11,13,14,15,17,18,19,21,22,23,25,26],"num_heads":32,"short_conv_kernel_size":4},"num_attention_heads":32,"num_hidden_layers":27,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128}""",
            8_064, State: 43_417_600),

        // 6 of 16 layers attend: 6 × 8 × 128 = 6,144 values. 10 look back on 2 tokens: 10 × 2 × 2,048 × 2 bytes.
        new Published("LiquidAI/LFM2-1.2B", """{"model_type":"lfm2","conv_L_cache":3,"full_attn_idxs":[2,5,8,10,12,14],"hidden_size":2048,"num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8}""", 12_288, State: 81_920),
    ];

    private static string Gemma3n => string.Join(',', Enumerable.Range(1, 35).Select(layer => layer % 5 == 0 ? "\"full_attention\"" : "\"sliding_attention\""));

    [Theory]
    [MemberData(nameof(Models))]
    public void Cache_PublishedModel_KeepsWhatWasWorkedOutByHand(Published model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var keys = ConfigKeys.Parse(Encoding.UTF8.GetBytes(model.Config));
        var cache = MlxCache.Of(keys!)!;

        Assert.Equal(model.BytesPerToken, 2 * cache.ValuesPerToken);
        Assert.Equal(model.AtShort ?? (Short * model.BytesPerToken), 2 * cache.Values(Short));
        Assert.Equal(model.AtLong ?? (Long * model.BytesPerToken), 2 * cache.Values(Long));
        Assert.Equal(model.State, cache.State.Bytes);
    }

    /// <summary>A model as its repository describes it, and what follows.</summary>
    /// <param name="AtShort">The bytes after 512 tokens; null: as many times what one takes.</param>
    /// <param name="AtLong">The bytes after 32,768 tokens; null: as many times what one takes.</param>
    public sealed record Published(string Repository, string Config, long BytesPerToken, long? AtShort = null, long? AtLong = null, long State = 0)
    {
        public override string ToString() => Repository;
    }
}
