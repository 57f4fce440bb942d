using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>
/// Whatever bytes come, the readers of a folder's files throw nothing and keep their laws. Some 10,000 inputs for each in every run; <c>MLXGATEWAY_TESTS_FUZZ=N</c> makes it N thousand, from another seed.
/// </summary>
public sealed class MlxFuzzTests
{
    private const int Longest = 8 * 1024;
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 10) * 1000;
    private static readonly int Seed = Thousands ?? 20_260_103;

    private static readonly string[] Words =
    [
        "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "NaN", "-Infinity", "1e999", "-1", "0", "2147483647", "9223372036854775807", "0.5", "\"x\"", "\\u", "\\ud800", "\uFEFF", "\0", "€",
        "\"num_hidden_layers\":", "\"num_hidden_layers\":2000,", "\"hidden_size\":", "\"head_dim\":", "\"text_config\":{", "\"layer_types\":[\"sliding_attention\"],", "\"sliding_window\":", "\"quantization\":{", "\"group_size\":", "\"chat_template\":",
        "\"model_max_length\":", "\"dtype\":\"BF16\"", "\"shape\":[", "\"data_offsets\":[", "\"__metadata__\":{", "\"a.scales\":", "[[[[[[[[", "{\"a\":",
    ];

    private static readonly string[] Designs =
        ["llama", "gemma3_text", "gemma3n", "gemma4_text", "gpt_oss", "cohere2", "exaone4", "llama4", "olmo3", "deepseek_v2", "deepseek_v3", "deepseek_v32", "longcat_flash", "qwen3_next", "jamba", "nemotron_h", "falcon_h1", "granitemoehybrid", "lfm2", "mamba", "mamba2", "rwkv7", "kimi_linear", "recurrent_gemma", "plamo2", "plamo3", "bailing_moe_linear", "nemotron-nas", "openelm", "step3p5", "mimo_v2_flash", "minicpm3"];

    [Fact]
    public void Configs_Mutated_GiveFactsThatCanBeCountedWith()
    {
        var corpus = PublishedCacheTests.Models.Select(row => row.Data.Config)
            .Concat(Designs.Select(design => $$$"""
                {"model_type":"{{{design}}}","architectures":["XForCausalLM"],"hidden_size":64,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":16,"num_kv_heads":[1,2,3,4],"layer_types":["full_attention","mamba","sliding_attention","attention"],
                 "sliding_window":4,"sliding_window_pattern":2,"kv_lora_rank":8,"qk_rope_head_dim":4,"qk_nope_head_dim":4,"v_head_dim":4,"state_size":8,"conv_kernel":4,"n_groups":1,"num_heads":2,"block_types":["recurrent"],"hybrid_override_pattern":"M*-E",
                 "rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":64},"quantization":{"bits":4,"group_size":64,"a":{"bits":8}},"torch_dtype":"bfloat16","n_positions":NaN,"vision_config":{}}
                """))
            .ToArray();
        var random = new Random(Seed);
        var (parsed, laidOut) = (0, 0);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = Mutated(random, corpus);
            using var keys = ConfigKeys.Parse(bytes);
            if (keys is null)
            {
                continue;
            }

            parsed++;
            var use = MlxUse.Of(keys, "m", _ => false, hasModel: true);
            var facts = MlxFacts.Of(keys, use, TokenizerConfig.Empty, [], new TensorTally(MlxQuantisation.Of(keys)), _ => i % 2 == 0);
            laidOut += facts.Cache is null ? 0 : 1;
            Assert.True(facts.ContextWindow is null or > 0 && facts.HiddenSize is null or > 0 && facts.FeedForwardSize is null or > 0 && facts.AttentionHeads is null or > 0, Encoding.UTF8.GetString(bytes));
            Assert.True(facts.Cache is null || Counts(facts.Cache), Encoding.UTF8.GetString(bytes));
        }

        Assert.True(parsed > Inputs / 5 && laidOut > Inputs / 20 && parsed < Inputs, $"{parsed} parsed, {laidOut} with a layout: the mutations try too little");
    }

    [Fact]
    public void Headers_Mutated_AreWholeOnlyIfTheirTensorsFillTheFile()
    {
        string[] corpus =
        [
            """{"__metadata__":{"format":"mlx"},"a.weight":{"dtype":"U32","shape":[4,2],"data_offsets":[0,32]},"a.scales":{"dtype":"BF16","shape":[4,1],"data_offsets":[32,40]}}""",
            """{"model.visual.x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\u0062":{"data_offsets":[4,44],"shape":[1,0,3],"dtype":"F8_E4M3"}}   """,
            "{}",
        ];
        var random = new Random(Seed + 1);
        var whole = 0;
        for (var i = 0; i < Inputs; i++)
        {
            var header = Mutated(random, corpus);
            var bytes = new byte[8 + header.Length];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, random.Next(20) == 0 ? random.NextInt64() : header.Length + (random.Next(10) == 0 ? random.Next(-8, 8) : 0));
            header.CopyTo(bytes, 8);
            var data = random.Next(3) == 0 ? random.Next(64) : i % 3 == 0 ? 44 : 40;
            var tally = new TensorTally(new MlxQuantisation(null, 64, 4));
            using var stream = new MemoryStream(bytes);

            var fault = SafetensorsHeader.Read(stream, bytes.Length + data, "x", tally);

            Assert.True(tally.Parameters >= 0 && tally.Bytes >= 0 && tally.TowerBytes >= 0 && tally.TowerBytes <= tally.Bytes, Encoding.UTF8.GetString(bytes));
            whole += fault is null ? 1 : 0;
        }

        Assert.True(whole > Inputs / 20 && whole < Inputs / 2, $"{whole} whole: the mutations try too little");
    }

    [Fact]
    public void TokenizersAndIndexes_Mutated_AreReadOrSayNothing()
    {
        string[] corpus =
        [
            """{"chat_template":"{% if tools %}{{ tools }}{% endif %}","model_max_length":32768,"added_tokens_decoder":{"1":{"content":"<think>"}}}""",
            """{"chat_template":[{"name":"default","template":"x"},{"name":"tool_use","template":"{{ tools }}"}],"chat_template_type":"x"}""",
            """{"chat_template":{"default":"x","y":{"z":"w"}}}""",
            """{"metadata":{"total_size":7},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"../model-00002-of-00002.safetensors"}}""",
        ];
        var random = new Random(Seed + 2);
        var (said, named) = (0, 0);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = Mutated(random, corpus);
            var tokenizer = TokenizerConfig.Parse(bytes);
            said += tokenizer == TokenizerConfig.Empty ? 0 : 1;
            foreach (var template in tokenizer.Templates)
            {
                _ = ChatTemplate.TakesTools(template) | ChatTemplate.Thinks(template);
            }

            var names = MlxShards.Names(bytes);
            named += names is { Count: > 0 } ? 1 : 0;
            Assert.True(names is null || names.All(name => name.Length > 0 && !name.Contains('/', StringComparison.Ordinal)), Encoding.UTF8.GetString(bytes));
        }

        Assert.True(said > Inputs / 20 && named > Inputs / 20, $"{said} said something, {named} named files: the mutations try too little");
    }

    [Fact]
    public void ConfigsAndListsOfMlc_Mutated_GiveFactsThatCanBeCountedWith()
    {
        string[] corpus = [MlcFactsTests.Qwen, MlcFactsTests.Shards, """{"model_type":"llava","conv_template":"llama-3","model_config":{"text_config":{"n_layer":2,"n_head":4,"n_embd":64},"head_dim":1e30}}""", """{"records":[{"dataPath":"\u002e./x","nbytes":1e18}]}"""];
        var random = new Random(Seed + 3);
        var (parsed, laidOut, named) = (0, 0, 0);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = Mutated(random, corpus);
            var shards = MlcShards.Parse("x", bytes);
            named += shards.Files.Count > 0 ? 1 : 0;
            Assert.True(shards.Bytes >= 0 && shards.Parameters is null or >= 0 && shards.Files.All(file => file.Bytes >= 0 && file.Name.Length > 0 && !file.Name.Contains('/', StringComparison.Ordinal)), Encoding.UTF8.GetString(bytes));
            if (MlcFacts.Of(bytes, shards) is not { } facts)
            {
                continue;
            }

            parsed++;
            laidOut += facts.Cache is null ? 0 : 1;
            Assert.True(facts.ContextWindow is null or > 0 && facts.PromptStep is null or > 0 && facts.MostSequences is null or > 0 && facts.HiddenSize is null or > 0, Encoding.UTF8.GetString(bytes));
            Assert.True(facts.Cache is null || Counts(facts.Cache), Encoding.UTF8.GetString(bytes));
            var needs = MlxGateway.Supervision.Memory.MemoryEstimator.NeedOf(new ModelSpec { Id = "m", Runner = KindNames.MlcLlm, Facts = facts }, new LaunchShape { Context = 32768 });
            Assert.True(needs.Total >= ByteSize.Zero, Encoding.UTF8.GetString(bytes));
        }

        Assert.True(parsed > Inputs / 5 && laidOut > Inputs / 20 && named > Inputs / 20 && parsed < Inputs, $"{parsed} parsed, {laidOut} with a layout, {named} with shards: the mutations try too little");
    }

    private static bool Counts(CacheLayout cache) =>
        cache.ValuesPerToken >= 0 && cache.LastingValuesPerToken >= 0 && cache.State.Bytes >= 0 && cache.Values(int.MaxValue) >= cache.Values(1) && cache.Values(1) >= 0
        && cache.Layers.All(layers => layers is { Count: > 0, ValuesPerToken: >= 0, StateBytes: >= 0, Window: null or > 0 });

    private static byte[] Mutated(Random random, string[] corpus)
    {
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(corpus[random.Next(corpus.Length)])];
        for (var n = random.Next(4); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(8))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at));
                    break;
                case 2 when at < bytes.Count:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4 or 5: // another number, which is where the sums could break
                    ReplaceNumber(random, bytes, at);
                    break;
                default:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]));
                    break;
            }
        }

        return [.. bytes.Take(Longest)];
    }

    private static void ReplaceNumber(Random random, List<byte> bytes, int from)
    {
        var at = bytes.FindIndex(Math.Min(from, bytes.Count), one => one is >= (byte)'0' and <= (byte)'9');
        if (at >= 0)
        {
            var end = bytes.FindIndex(at, one => one is < (byte)'0' or > (byte)'9');
            bytes.RemoveRange(at, (end < 0 ? bytes.Count : end) - at);
            bytes.InsertRange(at, Encoding.UTF8.GetBytes(random.Next(6) switch { 0 => "0", 1 => "-1", 2 => "2147483647", 3 => "9223372036854775807", 4 => "1e30", _ => random.Next(1, 100_000).ToString(CultureInfo.InvariantCulture) }));
        }
    }
}
