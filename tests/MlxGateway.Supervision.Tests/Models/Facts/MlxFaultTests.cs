using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Folders that no engine could load, and what is said of them.</summary>
public sealed class MlxFaultTests : IDisposable
{
    private const string Config = """{"model_type":"llama","architectures":["LlamaForCausalLM"]}""";
    private readonly TemporaryFolder _folder = new();

    private static byte[] Shard => SafetensorsFile.Of(("a.weight", "BF16", [8]));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("config.json", "there is no config.json")]
    [InlineData("tokenizer.json", "there is no tokenizer (tokenizer.json, tokenizer.model or a .tiktoken file)")]
    [InlineData("model-00001-of-00002.safetensors", "the file model-00001-of-00002.safetensors that the index names is missing")]
    [InlineData("model-00002-of-00002.safetensors", "the file model-00002-of-00002.safetensors that the index names is missing")]
    [InlineData("model.safetensors.index.json", null)] // mlx_lm loads without it
    [InlineData("readme.md", null)]
    public void Read_OneFileMissing_IsNamed(string file, string? fault)
    {
        Whole();
        File.Delete(_folder.In($"m/{file}"));

        var read = MlxFacts.Read(_folder.In("m"));

        Assert.Equal(fault, read.Fault);
        Assert.NotNull(read.Facts);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tiktoken.model")]
    [InlineData("qwen.tiktoken")]
    [InlineData("vocab.json")]
    public void Read_OtherTokenizer_IsEnough(string file)
    {
        Whole();
        File.Move(_folder.In("m/tokenizer.json"), _folder.In($"m/{file}"));

        Assert.Null(MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Read_LinkThatLeadsNowhere_IsMissing()
    {
        Whole();
        File.Delete(_folder.In("m/model-00002-of-00002.safetensors"));
        File.CreateSymbolicLink(_folder.In("m/model-00002-of-00002.safetensors"), "../../blobs/not-yet");

        Assert.Equal("the file model-00002-of-00002.safetensors that the index names is missing", MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Theory]
    [InlineData(0, "the file model-00002-of-00002.safetensors that the index names is empty")]
    [InlineData(5, "the file model-00002-of-00002.safetensors is truncated: it ends after 5 bytes")]
    [InlineData(30, "the file model-00002-of-00002.safetensors is truncated: it ends within its header")]
    [InlineData(-1, "the file model-00002-of-00002.safetensors is truncated: ")]
    [InlineData(+3, "the file model-00002-of-00002.safetensors is damaged: it has 3 bytes more than its header tells")]
    public void Read_ShardOfAnotherLength_IsNamed(int change, string fault)
    {
        Whole();
        var shard = Shard;
        var length = change is -1 or 3 ? shard.Length + change : change;
        Array.Resize(ref shard, length);
        File.WriteAllBytes(_folder.In("m/model-00002-of-00002.safetensors"), shard);

        var read = MlxFacts.Read(_folder.In("m"));

        Assert.StartsWith(fault, read.Fault, StringComparison.Ordinal);
        Assert.Equal(16, read.Facts!.TensorBytes!.Value.Bytes - (Math.Abs(change) is 1 or 3 ? 16 : 0)); // the other shard still counts
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":")]
    [InlineData("{\"a\":{\"dtype\":\"BF16\",\"shape\":[1]}}")] // lies nowhere
    [InlineData("{\"a\":{\"data_offsets\":[4,2]}}")]
    [InlineData("{\"a\":{\"data_offsets\":[0,1,2]}}")]
    [InlineData("{\"a\":{\"data_offsets\":[-1,2]}}")]
    [InlineData("{\"a\":{\"data_offsets\":[0,1e3]}}")]
    [InlineData("{\"a\":{\"data_offsets\":[0,99999999999999999999]}}")]
    [InlineData("{\"a\":{\"shape\":[-1],\"data_offsets\":[0,2]}}")]
    [InlineData("{\"a\":{\"x\":{\"data_offsets\":[0,2]}}}")]
    [InlineData("{\"\\ud800\":{\"data_offsets\":[0,2]}}")]
    [InlineData("{\"a\":7}")]
    public void Read_HeaderThatIsNone_IsAFault(string header)
    {
        Whole();
        File.WriteAllBytes(_folder.In("m/model-00001-of-00002.safetensors"), SafetensorsFile.WithHeader(header));

        Assert.Equal("the file model-00001-of-00002.safetensors is no safetensors file: its header cannot be read", MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    public void Read_ConfigurationThatIsNone_IsAFault(string config)
    {
        Whole();
        File.WriteAllText(_folder.In("m/config.json"), config);

        Assert.Equal("config.json is not JSON", MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Read_NothingThere_SaysNothing()
    {
        Directory.CreateDirectory(_folder.In("empty"));

        Assert.Equal(new FileFacts(null, "there is no config.json"), MlxFacts.Read(_folder.In("empty")));
        Assert.Equal(new FileFacts(null, "there is no config.json"), MlxFacts.Read(_folder.In("gone")));
    }

    [Fact]
    public void Read_NoWeights_IsAFault()
    {
        _folder.Write("m/config.json", Config);
        _folder.Write("m/tokenizer.json", "{}");
        Assert.Equal("there are no .safetensors files", MlxFacts.Read(_folder.In("m")).Fault);

        _folder.Write("m/config.json", """{"model_type":"whisper"}""");
        _folder.Write("m/weights.npz", 10);
        Assert.Null(MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Read_Adapter_IsNoModel()
    {
        _folder.Write("m/adapter_config.json", "{}");
        File.WriteAllBytes(_folder.In("m/adapters.safetensors"), Shard);

        var read = MlxFacts.Read(_folder.In("m"));

        Assert.Equal(("it holds an adapter and no model", ModelUse.Adapter), (read.Fault, read.Facts!.Use));
    }

    [Fact]
    public void Read_EmbedderWithoutATokenizer_IsWhole()
    {
        Whole();
        File.Delete(_folder.In("m/tokenizer.json"));
        _folder.Write("m/modules.json", "[]");

        Assert.Null(MlxFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Read_SnapshotOfARanker_IsKnownByItsRepository()
    {
        var folder = _folder.Repository("Qwen/Qwen3-Reranker-0.6B", ("tokenizer.json", 2), ("model.safetensors", 10));
        _folder.RepositoryText("Qwen/Qwen3-Reranker-0.6B", "config.json", """{"architectures":["Qwen3ForCausalLM"]}""");

        Assert.Equal(ModelUse.Reranking, MlxFacts.Read(folder).Facts!.Use);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"model-2.safetensors","b":"model-1.safetensors","c":"../../model-2.safetensors"}}""", "model-1.safetensors,model-2.safetensors")]
    [InlineData("""{"metadata":{"x":"y"},"weight_map":{"a":7,"b":{"c":"d"},"e":""},"more":{"f":"g"}}""", "")]
    [InlineData("""{"weight_map":["a"]}""", "")]
    [InlineData("""{"weight_map":{"a":"\ud800"}}""", null)]
    [InlineData("""{"weight_map":""", null)]
    public void Names_Index_AreThoseOfItsFiles(string index, string? expected) =>
        Assert.Equal(expected, MlxShards.Names(System.Text.Encoding.UTF8.GetBytes(index)) is { } names ? string.Join(',', names) : null);

    private void Whole()
    {
        _folder.Write("m/config.json", Config);
        _folder.Write("m/tokenizer.json", "{}");
        _folder.Write("m/readme.md", "x");
        _folder.Write("m/model.safetensors.index.json", TemporaryFolder.Index("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
        File.WriteAllBytes(_folder.In("m/model-00001-of-00002.safetensors"), Shard);
        File.WriteAllBytes(_folder.In("m/model-00002-of-00002.safetensors"), Shard);
    }
}
