using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Tests.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What a folder says of its model.</summary>
public sealed class MlxFactsTests(RealMlx real) : IDisposable, IClassFixture<RealMlx>
{
    private const string Llama = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_attention_heads":4,"num_hidden_layers":2,
         "num_key_value_heads":2,"vocab_size":100,"max_position_embeddings":4096,"torch_dtype":"bfloat16"}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WholeModel_SaysAllThatItsFilesSay()
    {
        Model(Llama, ("model.embed_tokens.weight", "BF16", [100, 64]), ("lm_head.weight", "BF16", [100, 64]));

        var (facts, fault) = MlxFacts.Read(_folder.In("m"));

        Assert.Null(fault);
        Assert.Equal(
            new ModelFacts
            {
                Architecture = "llama",
                Quantisation = "bf16",
                Parameters = 12_800,
                TensorBytes = new ByteSize(25_600),
                Cache = new CacheLayout([new CacheLayers(2, 64)]),
                ContextWindow = 4096,
                HiddenSize = 64,
                FeedForwardSize = 128,
                AttentionHeads = 4,
                VocabularySize = 100,
            },
            facts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Read_ModelOfTheGenerator_IsWhatTheGeneratorWasTold(int shards)
    {
        var folder = real.Model($"facts-{shards}", "--layers", "3", "--heads", "4", "--kv-heads", "2", "--head-dim", "32", "--context", "2048", "--shards", $"{shards}");

        var (facts, fault) = MlxFacts.Read(folder);

        Assert.Null(fault);
        Assert.Equal((new CacheLayout([new CacheLayers(3, 2 * (32 + 32))]), 2048, 4, "llama", "bf16"), (facts!.Cache, facts.ContextWindow!.Value, facts.AttentionHeads!.Value, facts.Architecture, facts.Quantisation));
        var headers = Directory.GetFiles(folder, "*.safetensors").Sum(file => 8 + BitConverter.ToInt64(File.ReadAllBytes(file).AsSpan(0, 8)));
        Assert.Equal(Directory.GetFiles(folder, "*.safetensors").Sum(file => new FileInfo(file).Length) - headers, facts.TensorBytes!.Value.Bytes);
        Assert.Equal(facts.TensorBytes.Value.Bytes / 2, facts.Parameters);
        Assert.True(facts.HasChatTemplate);
    }

    [Theory]
    [InlineData("""{"bits":4,"group_size":64}""", "4-bit")]
    [InlineData("""{"bits":8,"group_size":64,"mode":"affine"}""", "8-bit")]
    [InlineData("""{"bits":4,"group_size":64,"mode":"mxfp4"}""", "mxfp4")]
    public void Read_PackedModel_CountsWhatItsWeightsStandFor(string quantization, string name)
    {
        // 100 × 128 weights of 4 bits; a scale for each 64 of them.
        Model(
            Llama.Replace("\"torch_dtype\"", $"\"quantization\":{quantization},\"torch_dtype\"", StringComparison.Ordinal),
            ("a.weight", "U32", [100, 16]), ("a.scales", "BF16", [100, 2]), ("a.biases", "BF16", [100, 2]), ("norm.weight", "BF16", [128]));

        var facts = MlxFacts.Read(_folder.In("m")).Facts!;

        Assert.Equal((12_928, name), (facts.Parameters, facts.Quantisation));
        Assert.Equal(new ByteSize((100 * 16 * 4) + (2 * 100 * 2 * 2) + 256), facts.TensorBytes);
    }

    [Fact]
    public void Read_LayersPackedDifferently_AreEachCountedByTheirOwn()
    {
        Model(
            Llama.Replace("\"torch_dtype\"", """ "quantization":{"bits":4,"group_size":64,"b":{"bits":8,"group_size":32},"c":false},"torch_dtype" """, StringComparison.Ordinal),
            ("a.weight", "U32", [10, 16]), ("a.scales", "BF16", [10, 2]), ("a.biases", "BF16", [10, 2]),
            ("b.weight", "U32", [10, 32]), ("b.scales", "BF16", [10, 4]), ("b.biases", "BF16", [10, 4]), ("c.weight", "BF16", [10, 128]));

        Assert.Equal(3 * 1280, MlxFacts.Read(_folder.In("m")).Facts!.Parameters);
    }

    [Fact]
    public void Read_PackedByOtherTools_CountsWhatItsWeightsStandFor()
    {
        Model(
            Llama.Replace("\"torch_dtype\"", """ "quantization_config":{"quant_method":"awq","bits":4,"group_size":128},"torch_dtype" """, StringComparison.Ordinal),
            ("a.qweight", "I32", [256, 8]), ("a.qzeros", "I32", [2, 8]), ("a.scales", "F16", [2, 64]));
        Assert.Equal((256 * 64, "awq"), (MlxFacts.Read(_folder.In("m")).Facts!.Parameters, MlxFacts.Read(_folder.In("m")).Facts!.Quantisation));

        Model(
            Llama.Replace("\"torch_dtype\"", """ "quantization_config":{"quant_method":"mxfp4"},"torch_dtype" """, StringComparison.Ordinal),
            ("mlp.experts.down_proj_blocks", "U8", [4, 10, 2, 16]), ("mlp.experts.down_proj_scales", "U8", [4, 10, 2]));
        Assert.Equal((4 * 10 * 64, "mxfp4"), (MlxFacts.Read(_folder.In("m")).Facts!.Parameters, MlxFacts.Read(_folder.In("m")).Facts!.Quantisation));
    }

    [Fact]
    public void Read_NoTypeInTheConfiguration_IsThatOfMostTensors()
    {
        Model("""{"model_type":"llama"}""", ("a.weight", "F16", [100]), ("b.weight", "F32", [10]));

        Assert.Equal("f16", MlxFacts.Read(_folder.In("m")).Facts!.Quantisation);
    }

    [Fact]
    public void Read_ModelThatSees_TellsItsTowerFromWhatReads()
    {
        Model(
            """{"architectures":["Gemma3ForConditionalGeneration"],"model_type":"gemma3","vision_config":{},"text_config":{"model_type":"gemma3_text","hidden_size":2560}}""",
            ("language_model.model.norm.weight", "BF16", [10]), ("vision_tower.x.weight", "BF16", [100]), ("model.visual.y", "BF16", [1000]), ("multi_modal_projector.z", "BF16", [10_000]), ("visualise.w", "BF16", [7]));

        var facts = MlxFacts.Read(_folder.In("m")).Facts!;

        Assert.Equal((new ByteSize(22_200), new ByteSize(22_234)), (facts.TowerBytes, facts.TensorBytes!.Value));
        Assert.Equal(["text", "image"], facts.Modalities);
        Assert.Equal((131_072, 2560), (facts.ContextWindow, facts.HiddenSize));
    }

    [Fact]
    public void Read_FilesThatNoEngineLoads_DoNotCount()
    {
        Model(Llama, ("a.weight", "BF16", [10]));
        File.WriteAllBytes(_folder.In("m/consolidated.safetensors"), SafetensorsFile.Of(("a.weight", "BF16", [1000])));

        Assert.Equal(new ByteSize(20), MlxFacts.Read(_folder.In("m")).Facts!.TensorBytes);
    }

    private void Model(string config, params (string Name, string Type, int[] Shape)[] tensors)
    {
        _folder.Write("m/config.json", config);
        _folder.Write("m/tokenizer.json", "{}");
        File.WriteAllBytes(_folder.In("m/model.safetensors"), SafetensorsFile.Of(tensors));
    }
}
