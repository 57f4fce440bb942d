using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What llama.cpp keeps of a conversation, for models that people have. The values are those of the published configurations, under the names that converters give them.</summary>
public sealed class GgufCacheTests
{
    [Fact]
    public void Llama31Of8B_EveryLayerLooksAtEverything()
    {
        // meta-llama/Llama-3.1-8B config.json: 32 layers, 8 key/value heads of 4096/32 = 128.
        var cache = Cache("llama", ("block_count", 32u), ("embedding_length", 4096u), ("attention.head_count", 32u), ("attention.head_count_kv", 8u));

        // 8 x (128 + 128) = 2048 a layer; x 32 = 65536. At 2 bytes: the well-known 128 KB a token.
        Assert.Equal(65_536, cache.ValuesPerToken);
        Assert.Equal(65_536, cache.LastingValuesPerToken);
        Assert.Equal(65_536L * 131_072, cache.Values(131_072));
        Assert.Equal(new CacheLayers(32, 2048), Assert.Single(cache.Layers));
    }

    [Fact]
    public void Qwen3Of30B_LengthsOfHeadsAreItsOwn()
    {
        // Qwen/Qwen3-30B-A3B config.json: 48 layers, hidden 2048, 32 heads, 4 key/value heads, head_dim 128 (and not 2048/32 = 64).
        var cache = Cache(
            "qwen3moe", ("block_count", 48u), ("embedding_length", 2048u), ("attention.head_count", 32u), ("attention.head_count_kv", 4u), ("attention.key_length", 128u), ("attention.value_length", 128u));

        // 4 x 256 = 1024; x 48 = 49152.
        Assert.Equal(49_152, cache.ValuesPerToken);
    }

    [Fact]
    public void Gemma3Of27B_FiveOfSixLayersHaveAWindow()
    {
        // google/gemma-3-27b-it config.json: 62 layers, 16 key/value heads, head_dim 128, sliding_window 1024; every sixth layer looks at everything.
        var cache = Cache(
            "gemma3", ("block_count", 62u), ("embedding_length", 5376u), ("attention.head_count", 32u), ("attention.head_count_kv", 16u),
            ("attention.key_length", 128u), ("attention.value_length", 128u), ("attention.sliding_window", 1024u));

        // 16 x 256 = 4096 a layer. Layers 6, 12 ... 60 are full: 10; 52 have a window. 62 x 4096 = 253952; 10 x 4096 = 40960.
        Assert.Equal(253_952, cache.ValuesPerToken);
        Assert.Equal(40_960, cache.LastingValuesPerToken);

        // At 8192 tokens: 10 x 4096 x 8192 = 335544320, and 52 x 4096 x 1024 = 218103808.
        Assert.Equal(335_544_320L + 218_103_808, cache.Values(8192));
        Assert.Contains(new CacheLayers(52, 4096, 1024), cache.Layers);
    }

    [Fact]
    public void GptOssOf20B_EverySecondLayerHasAWindow()
    {
        // openai/gpt-oss-20b config.json: 24 layers, 8 key/value heads, head_dim 64, sliding_window 128, the first layer slides.
        var cache = Cache(
            "gpt-oss", ("block_count", 24u), ("embedding_length", 2880u), ("attention.head_count", 64u), ("attention.head_count_kv", 8u),
            ("attention.key_length", 64u), ("attention.value_length", 64u), ("attention.sliding_window", 128u));

        // 8 x 128 = 1024; x 24 = 24576, half of it for good.
        Assert.Equal(24_576, cache.ValuesPerToken);
        Assert.Equal(12_288, cache.LastingValuesPerToken);
        Assert.Equal(128, cache.Layers[0].Window);
    }

    [Fact]
    public void DeepSeekV3_KeepsTheLatentAlone()
    {
        // deepseek-ai/DeepSeek-V3 config.json: 61 layers, kv_lora_rank 512, qk_rope_head_dim 64, 128 + 64 and 128 by head. The converter writes one head of 512 + 64.
        var cache = Cache(
            "deepseek2", ("block_count", 61u), ("embedding_length", 7168u), ("attention.head_count", 128u), ("attention.head_count_kv", 1u), ("attention.kv_lora_rank", 512u),
            ("attention.key_length", 576u), ("attention.value_length", 512u), ("attention.key_length_mla", 192u), ("attention.value_length_mla", 128u), ("rope.dimension_count", 64u));

        // The latent is the key, and holds the values: 576 x 61 = 35136.
        Assert.Equal(35_136, cache.ValuesPerToken);
    }

    [Fact]
    public void DeepSeekV3_ConvertedBeforeThereWasALatent_KeepsEveryHead()
    {
        var cache = Cache(
            "deepseek2", ("block_count", 61u), ("embedding_length", 7168u), ("attention.head_count", 128u), ("attention.head_count_kv", 128u), ("attention.kv_lora_rank", 512u),
            ("attention.key_length", 192u), ("attention.value_length", 128u), ("rope.dimension_count", 64u));

        // 128 x (192 + 128) = 40960; x 61 = 2498560: 4.8 MB a token.
        Assert.Equal(2_498_560, cache.ValuesPerToken);
    }

    [Fact]
    public void Granite4HTiny_FourLayersAttendAndTheOthersKeepAState()
    {
        // ibm-granite/granite-4.0-h-tiny config.json: 40 layers, attention in 5, 15, 25, 35 (4 key/value heads of 1536/12 = 128), mamba_d_conv 4, d_state 128, 48 heads of 64, 1 group.
        var heads = Enumerable.Range(0, 40).Select(layer => layer % 10 == 5 ? 4 : 0).ToArray();
        var cache = Cache(
            "granitehybrid", ("block_count", 40u), ("embedding_length", 1536u), ("attention.head_count", 12u), ("attention.head_count_kv", heads),
            ("ssm.conv_kernel", 4u), ("ssm.state_size", 128u), ("ssm.inner_size", 3072u), ("ssm.group_count", 1u), ("ssm.time_step_rank", 48u));

        // 4 layers x 4 x 256 = 4096.
        Assert.Equal(4096, cache.ValuesPerToken);

        // (4 - 1) x (3072 + 2 x 1 x 128) = 9984, and 128 x 3072 = 393216: 403200 values of 4 bytes = 1612800 a layer, x 36.
        Assert.Equal(36L * 1_612_800, cache.State.Bytes);
        Assert.Equal(4096L * 1000, cache.Values(1000));
    }

    [Fact]
    public void NemotronH_LayersOfTheirOwnForFeedForwardKeepNothing()
    {
        // A pattern M-*M as in nvidia/Nemotron-H: state, feed-forward, attention, state.
        var cache = Cache(
            "nemotron_h", ("block_count", 4u), ("embedding_length", 4096u), ("attention.head_count", 32u), ("attention.head_count_kv", new[] { 0, 0, 8, 0 }),
            ("feed_forward_length", new[] { 0, 21504, 0, 0 }), ("attention.key_length", 128u), ("attention.value_length", 128u),
            ("ssm.conv_kernel", 4u), ("ssm.state_size", 128u), ("ssm.inner_size", 8192u), ("ssm.group_count", 8u));

        // 8 x 256; and twice ((4 - 1) x (8192 + 2 x 8 x 128) + 128 x 8192) x 4 = (30720 + 1048576) x 4.
        Assert.Equal(2048, cache.ValuesPerToken);
        Assert.Equal(2L * 4_317_184, cache.State.Bytes);
    }

    [Fact]
    public void FalconH1_EveryLayerKeepsBoth()
    {
        var cache = Cache(
            "falcon-h1", ("block_count", 2u), ("embedding_length", 1024u), ("attention.head_count", 8u), ("attention.head_count_kv", 2u), ("attention.key_length", 64u), ("attention.value_length", 64u),
            ("ssm.conv_kernel", 4u), ("ssm.state_size", 16u), ("ssm.inner_size", 32u), ("ssm.group_count", 1u));

        // 2 x 128; (3 x (32 + 32) + 512) x 4 = 2816.
        Assert.Equal(new CacheLayers(2, 256, null, 2816), Assert.Single(cache.Layers));
    }

    [Fact]
    public void Qwen3Next_EveryFourthLayerAttends()
    {
        // Qwen/Qwen3-Next-80B-A3B config.json: 48 layers, 2 key/value heads of 256; 16 key heads and 32 value heads of 128 in the others, convolution of 4.
        var cache = Cache(
            "qwen3next", ("block_count", 48u), ("embedding_length", 2048u), ("attention.head_count", 16u), ("attention.head_count_kv", 2u), ("attention.key_length", 256u), ("attention.value_length", 256u),
            ("ssm.conv_kernel", 4u), ("ssm.state_size", 128u), ("ssm.inner_size", 4096u), ("ssm.group_count", 16u), ("ssm.time_step_rank", 32u));

        // 12 x 2 x 512 = 12288; 36 x (3 x (4096 + 2 x 16 x 128) + 128 x 4096) x 4 = 36 x 548864 x 4.
        Assert.Equal(12_288, cache.ValuesPerToken);
        Assert.Equal(36L * 548_864 * 4, cache.State.Bytes);
    }

    [Fact]
    public void Mamba_KeepsAStateAlone()
    {
        // state-spaces/mamba-130m: 24 layers, inner 1536, state 16, convolution 4; no groups in the first Mamba. (3 x 1536 + 16 x 1536) x 4 = 116736.
        var cache = Cache("mamba", ("block_count", 24u), ("embedding_length", 768u), ("ssm.conv_kernel", 4u), ("ssm.state_size", 16u), ("ssm.inner_size", 1536u));
        Assert.Equal(new CacheLayers(24, 0, null, 116_736), Assert.Single(cache.Layers));
    }

    [Fact]
    public void Rwkv_KeepsAStateAlone()
    {
        // (2 x 2048 + 2048 x 64) x 4 = 540672.
        var cache = Cache("rwkv7", ("block_count", 24u), ("embedding_length", 2048u), ("wkv.head_size", 64u), ("attention.head_count", 0u));
        Assert.Equal(new CacheLayers(24, 0, null, 540_672), Assert.Single(cache.Layers));
    }

    [Fact]
    public void Lfm2_KeepsWhatItsConvolutionLooksBackOn()
    {
        // (3 - 1) x 2048 x 4 = 16384 a layer without heads.
        var cache = Cache(
            "lfm2", ("block_count", 3u), ("embedding_length", 2048u), ("attention.head_count", 32u), ("attention.head_count_kv", new[] { 0, 0, 8 }), ("shortconv.l_cache", 3u));
        Assert.Equal(32_768, cache.State.Bytes);
        Assert.Equal(1024, cache.ValuesPerToken);
    }

    [Fact]
    public void Gemma3nOfE4B_TheLastFifteenLayersLookIntoOthers()
    {
        // google/gemma-3n-E4B config.json: 35 layers, num_kv_shared_layers 15, 2 key/value heads of 256, sliding_window 512, every fifth is full.
        var cache = Cache(
            "gemma3n", ("block_count", 35u), ("embedding_length", 2048u), ("attention.head_count", 8u), ("attention.head_count_kv", 2u), ("attention.key_length", 256u), ("attention.value_length", 256u),
            ("attention.sliding_window", 512u), ("attention.shared_kv_layers", 15u));

        // 20 x 2 x 512 = 20480, of which layers 5, 10, 15, 20 last: 4096.
        Assert.Equal(20_480, cache.ValuesPerToken);
        Assert.Equal(4096, cache.LastingValuesPerToken);
    }

    [Fact]
    public void Gemma4_LayersWithAWindowHaveHeadsOfTheirOwn()
    {
        var cache = Cache(
            "gemma4", ("block_count", 6u), ("embedding_length", 1536u), ("attention.head_count", 8u), ("attention.head_count_kv", 1u), ("attention.key_length", 512u), ("attention.value_length", 512u),
            ("attention.key_length_swa", 256u), ("attention.value_length_swa", 256u), ("attention.sliding_window", 512u), ("attention.shared_kv_layers", 1u),
            ("attention.sliding_window_pattern", new[] { true, true, true, true, false, true }));

        // Four of 512 with a window, one of 1024 without; the sixth is shared.
        Assert.Equal([new CacheLayers(4, 512, 512), new CacheLayers(1, 1024)], cache.Layers);
    }

    [Theory]
    [InlineData("gemma2", 4096u, 4)] // every second
    [InlineData("cohere2", 4096u, 2)] // every fourth
    [InlineData("llama4", null, 2)]
    [InlineData("phi3", 2047u, 8)] // not obeyed
    [InlineData("llama", 4096u, 8)] // not obeyed (Mistral 7B)
    [InlineData("exaone4", 4096u, 8)] // the small one
    [InlineData("smallthinker", 4096u, 2)]
    [InlineData("plamo3", 2048u, 1)]
    public void Windows_OfDesigns_AreThoseOfTheEngine(string architecture, uint? window, int full)
    {
        List<(string, object)> values = [("block_count", 8u), ("embedding_length", 64u), ("attention.head_count", 1u), ("attention.key_length", 1u), ("attention.value_length", 1u)];
        if (window is { } size)
        {
            values.Add(("attention.sliding_window", size));
        }

        var cache = Cache(architecture, [.. values]);
        Assert.Equal(16, cache.ValuesPerToken);
        Assert.Equal(full * 2, cache.LastingValuesPerToken);
    }

    [Fact]
    public void Windows_OfASmallThinker_TheFirstOfFourIsFull() =>
        Assert.Null(Cache("smallthinker", ("block_count", 4u), ("embedding_length", 4u), ("attention.head_count", 1u), ("attention.sliding_window", 9u)).Layers[0].Window);

    [Fact]
    public void Layers_ThatGuessAhead_KeepNothing()
    {
        // zai-org/GLM-4.5-Air: 46 layers and one that guesses ahead, 8 key/value heads of 128.
        var cache = Cache(
            "glm4moe", ("block_count", 47u), ("nextn_predict_layers", 1u), ("embedding_length", 4096u), ("attention.head_count", 96u), ("attention.head_count_kv", 8u),
            ("attention.key_length", 128u), ("attention.value_length", 128u));
        Assert.Equal(46 * 2048, cache.ValuesPerToken);
    }

    [Fact]
    public void Encoders_KeepNothing() => Assert.Empty(Cache("nomic-bert", ("block_count", 12u), ("embedding_length", 768u), ("attention.head_count", 12u)).Layers);

    [Theory]
    [InlineData("llama", 0u, 8u)]
    [InlineData("llama", 4_000_000_000u, 8u)]
    [InlineData("llama", 1024u, 4_000_000_000u)]
    [InlineData("llama", 1024u, 65_536u)] // 1024 x 65536 x 2 x 16777216: more than can be counted
    [InlineData("llama", 1u, 65_536u)] // 65536 x 2 x 16777216 = 2^41, and times two thousand million tokens an overflow
    [InlineData("deepseek4", 32u, 8u)] // not known
    public void Layouts_ThatMakeNoSenseOrAreUnknown_AreNone(string architecture, uint blocks, uint heads) => Assert.Null(
        Facts(architecture, ("block_count", blocks), ("attention.head_count", heads), ("attention.key_length", 1u << 24), ("attention.value_length", 1u << 24)).Cache);

    private static CacheLayout Cache(string architecture, params (string Key, object Value)[] values) => Assert.IsType<CacheLayout>(Facts(architecture, values).Cache);

    private static ModelFacts Facts(string architecture, params (string Key, object Value)[] values)
    {
        var writer = new GgufWriter().With("general.architecture", architecture).Tensor("token_embd.weight", GgufWriter.F32, 8, 8);
        foreach (var (key, value) in values)
        {
            writer.With($"{architecture}.{key}", value);
        }

        var (facts, fault) = writer.Read();
        Assert.Null(fault);
        return Assert.IsType<ModelFacts>(facts);
    }
}
