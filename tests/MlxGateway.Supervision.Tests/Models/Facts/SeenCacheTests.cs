using System.Text;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Small models of many designs, whose caches were looked at in the real engine (mlx_lm 0.31.3 and 0.32.2) after six tokens. The shapes seen are beside each.</summary>
public sealed class SeenCacheTests
{
    private const string Usual = """ "hidden_size":64,"intermediate_size":128,"num_attention_heads":4,"num_key_value_heads":2 """;
    private const string Compressed = """ "hidden_size":64,"num_attention_heads":4,"num_key_value_heads":4,"num_hidden_layers":2,"kv_lora_rank":32,"qk_rope_head_dim":8,"qk_nope_head_dim":16,"v_head_dim":12,"index_head_dim":16 """;

    [Theory]
    [InlineData("mamba", """ "hidden_size":64,"intermediate_size":128,"state_size":16,"num_hidden_layers":2,"conv_kernel":4 """, "2×(0,-,9728)")] // [3,128] and [128,16], both in 4 bytes from the second layer on
    [InlineData("mamba2", """ "num_heads":8,"head_dim":16,"hidden_size":64,"state_size":32,"num_hidden_layers":2,"conv_kernel":4,"n_groups":2 """, "2×(0,-,17920)")] // [3,256] bf16, [8,16,32] f32
    [InlineData("nemotron_h", Usual + ""","num_hidden_layers":4,"mamba_num_heads":8,"mamba_head_dim":16,"ssm_state_size":32,"conv_kernel":4,"n_groups":2,"head_dim":32,"hybrid_override_pattern":"M-*M" """, "2×(0,-,17920) 1×(128,-,0)")]
    [InlineData("nemotron_h", Usual + ""","num_hidden_layers":4,"mamba_num_heads":8,"mamba_head_dim":16,"ssm_state_size":32,"conv_kernel":4,"n_groups":2,"head_dim":32,"layers_block_type":["mamba","moe","attention","mamba"]""", "2×(0,-,17920) 1×(128,-,0)")]
    [InlineData("falcon_h1", Usual + ""","num_hidden_layers":2,"mamba_d_ssm":128,"mamba_d_head":16,"mamba_n_heads":8,"mamba_d_state":32,"mamba_n_groups":2,"head_dim":16,"mamba_d_conv":4 """, "2×(64,-,17920)")]
    [InlineData("granitemoehybrid", Usual + ""","num_hidden_layers":2,"layer_types":["mamba","attention"],"mamba_n_heads":8,"mamba_d_head":16,"mamba_d_state":32,"mamba_d_conv":4,"mamba_n_groups":2 """, "1×(0,-,17920) 1×(64,-,0)")]
    [InlineData("lfm2", Usual + ""","num_hidden_layers":2,"conv_L_cache":3,"full_attn_idxs":[1]""", "1×(0,-,256) 1×(64,-,0)")] // [2,64] bf16
    [InlineData("lfm2", Usual + ""","num_hidden_layers":2,"conv_L_cache":3,"layer_types":["conv","full_attention"]""", "1×(0,-,256) 1×(64,-,0)")]
    [InlineData("rwkv7", """ "hidden_size":64,"head_dim":16,"num_hidden_layers":2 """, "2×(0,-,2304)")] // [1,64], [4,16,16], [1,64], all bf16
    [InlineData("kimi_linear", Usual + ""","num_hidden_layers":2,"head_dim":16,"linear_attn_config":{"kda_layers":[1],"num_heads":4,"head_dim":16,"short_conv_kernel_size":4},"kv_lora_rank":32,"qk_rope_head_dim":8 """, "1×(0,-,5248) 1×(40,-,0)")]
    [InlineData("recurrent_gemma", """ "hidden_size":64,"num_attention_heads":4,"num_key_value_heads":1,"head_dim":16,"num_hidden_layers":3,"conv1d_width":4,"attention_window_size":4,"block_types":["recurrent","recurrent","attention"],"lru_width":64 """, "2×(0,-,512) 1×(32,4,0)")]
    [InlineData("plamo2", Usual + ""","num_hidden_layers":2,"hidden_size_per_head":16,"mamba_num_heads":8,"mamba_d_state":32,"mamba_d_conv":4,"mamba_step":2 """, "1×(0,-,17152) 1×(64,-,0)")] // [3,128] bf16, [8,16,32] f32
    [InlineData("deepseek_v3", Compressed, "2×(40,-,0)")] // [32] and [8]
    [InlineData("glm4_moe_lite", Compressed, "2×(40,-,0)")]
    [InlineData("deepseek_v32", Compressed, "2×(72,-,0)")] // [32], [8], [16], and in 0.32 another [16]
    [InlineData("youtu_llm", Compressed, "2×(144,-,0)")] // 4 × ([24] and [12])
    [InlineData("minicpm3", Compressed, "2×(160,-,0)")] // 4 × ([24] and [16])
    [InlineData("gemma3_text", Usual + ""","num_hidden_layers":7,"head_dim":16,"sliding_window":4,"sliding_window_pattern":6 """, "6×(64,4,0) 1×(64,-,0)")]
    [InlineData("gemma3_text", Usual + ""","num_hidden_layers":5,"head_dim":16,"sliding_window":4 """, "5×(64,4,0)")] // the sixth would be the first that keeps everything
    [InlineData("gemma4_text", Usual + ""","num_hidden_layers":5,"head_dim":16,"global_head_dim":32,"num_kv_shared_layers":0,"sliding_window":4 """, "4×(64,4,0) 1×(128,-,0)")]
    [InlineData("mimo_v2_flash", Usual + ""","num_hidden_layers":2,"hybrid_layer_pattern":[0,1],"sliding_window_size":4,"swa_num_key_value_heads":1,"head_dim":16,"v_head_dim":8,"swa_head_dim":16,"swa_v_head_dim":8 """, "1×(48,-,0) 1×(24,4,0)")]
    [InlineData("jamba", Usual + ""","num_hidden_layers":3,"attn_layer_offset":1,"attn_layer_period":3,"mamba_d_conv":4,"mamba_d_state":16,"mamba_expand":2 """, "2×(0,-,9728) 1×(64,-,0)")] // [3,128] and [128,16]
    [InlineData("qwen3_next", Usual + ""","num_hidden_layers":4,"linear_num_value_heads":4,"linear_num_key_heads":2,"linear_key_head_dim":32,"linear_value_head_dim":32,"linear_conv_kernel_dim":4,"head_dim":32 """, "3×(0,-,17920) 1×(128,-,0)")] // [3,256], [4,32,32] f32
    [InlineData("longcat_flash", Compressed, "2×(80,-,0)")] // twice [32] and [8]
    [InlineData("deepseek_v2", Compressed, "2×(144,-,0)")] // 4 × ([24] and [12])
    [InlineData("gpt_oss", Usual + ""","num_hidden_layers":2,"head_dim":16,"sliding_window":4 """, "1×(64,4,0) 1×(64,-,0)")]
    [InlineData("llama4", """ "text_config":{"model_type":"llama4_text","num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":4,"head_dim":16,"attention_chunk_size":4}""", "3×(64,4,0) 1×(64,-,0)")]
    [InlineData("cohere2", Usual + ""","num_hidden_layers":4,"head_dim":16,"sliding_window":4,"sliding_window_pattern":4 """, "3×(64,4,0) 1×(64,-,0)")]
    [InlineData("nobody_knows_this", Usual + ""","num_hidden_layers":2,"sliding_window":4 """, "2×(64,-,0)")]
    public void Layout_SmallModel_IsWhatTheEngineKept(string type, string keys, string expected)
    {
        using var config = ConfigKeys.Parse(Encoding.UTF8.GetBytes($$"""{"model_type":"{{type}}",{{keys}}}"""));

        Assert.Equal(expected, string.Join(' ', MlxCache.Of(config!)!.Layers.Select(layers => $"{layers.Count}×({layers.ValuesPerToken},{layers.Window?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"},{layers.StateBytes})")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"model_type":"llama"}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":32}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":2147483648,"hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":2147483647,"hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":-1,"hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":"32","hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":NaN,"hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":2.5,"hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":2000,"head_dim":2147483647,"num_attention_heads":2147483647}""")]
    [InlineData("""{"model_type":"nemotron_h","num_hidden_layers":4,"hybrid_override_pattern":"M","hidden_size":64,"num_attention_heads":4}""")]
    [InlineData("""{"model_type":"mamba2","num_hidden_layers":4,"num_heads":2147483647,"head_dim":2147483647,"state_size":2147483647,"conv_kernel":4,"n_groups":1}""")]
    public void Layout_ConfigurationThatDoesNotTellOrLies_IsNone(string config)
    {
        using var keys = ConfigKeys.Parse(Encoding.UTF8.GetBytes(config));

        Assert.Null(MlxCache.Of(keys!));
    }
}
