using System.Text;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

public sealed class MlcFactsTests : IDisposable
{
    /// <summary>As the converter writes it for a model of 1.5 billion parameters.</summary>
    internal const string Qwen = """
        {"version":"0.1.0","model_type":"qwen2","quantization":"q4f16_1","vocab_size":151936,"context_window_size":32768,"sliding_window_size":-1,"prefill_chunk_size":2048,"attention_sink_size":-1,"tensor_parallel_shards":1,
         "model_config":{"hidden_act":"silu","hidden_size":1536,"intermediate_size":8960,"num_attention_heads":12,"num_hidden_layers":28,"num_key_value_heads":2,"rms_norm_eps":1e-06,"vocab_size":151936,"context_window_size":32768,
          "prefill_chunk_size":2048,"tensor_parallel_shards":1,"head_dim":128,"dtype":"float32","max_batch_size":80},
         "temperature":0.7,"tokenizer_files":["tokenizer.json","vocab.json","merges.txt","tokenizer_config.json"],"conv_template":{"name":"chatml","roles":{"user":"user"}}}
        """;

    internal const string Shards = """{"metadata":{"ParamSize":3,"ParamBytes":90.0,"BitsPerParam":4.5},"records":[{"dataPath":"params_shard_0.bin","format":"raw-shard","nbytes":60,"records":[{"name":"a","nbytes":60}]},{"dataPath":"params_shard_1.bin","nbytes":30}]}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WholeModel_SaysWhatItsFilesSay()
    {
        Write("m", Qwen, Shards);

        var read = MlcFacts.Read(_folder.In("m"));

        Assert.Null(read.Fault);
        Assert.Equal(
            new ModelFacts
            {
                Architecture = "qwen2", Quantisation = "q4f16_1", TensorBytes = new ByteSize(90), Parameters = 160, Cache = new CacheLayout([new CacheLayers(28, 2 * 2 * 128)]), ContextWindow = 32768, HiddenSize = 1536,
                FeedForwardSize = 8960, AttentionHeads = 12, VocabularySize = 151936, PromptStep = 2048, MostSequences = 80, HasChatTemplate = true, UnreadCalls = ToolFormat.Hermes,
            },
            read.Facts);
    }

    [Theory]
    [InlineData("""{"model_type":"llava","model_config":{"text_config":{"num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64},"num_hidden_layers":99}}""", 2, 128, null, "Hermes")]
    [InlineData("""{"model_type":"gpt2","context_window_size":-1,"model_config":{"n_layer":3,"n_head":2,"n_embd":32,"context_window_size":1024}}""", 3, 64, 1024, "Hermes")]
    [InlineData("""{"model_type":"llama","conv_template":"llama-3_1","model_config":{"num_hidden_layers":1,"num_attention_heads":8,"num_key_value_heads":2,"head_dim":4}}""", 1, 16, null, "Llama3")]
    [InlineData("""{"model_type":"mistral","conv_template":{"name":"gorilla-openfunctions-v2"},"model_config":{"num_hidden_layers":1,"num_attention_heads":1,"head_dim":1}}""", 1, 2, null, "Native")]
    [InlineData("""{"model_type":"gemma3","model_config":{"num_hidden_layers":1,"num_attention_heads":1,"head_dim":1}}""", 1, 2, null, "Gemma")]
    public void Of_DesignsThatSayItOtherwise_AreRead(string config, int layers, long values, int? context, string calls)
    {
        var facts = MlcFacts.Of(Encoding.UTF8.GetBytes(config), new MlcShards(null, [], null))!;

        Assert.Equal((new CacheLayout([new CacheLayers(layers, values)]), context, calls), (facts.Cache, facts.ContextWindow, facts.UnreadCalls.ToString()));
    }

    [Fact]
    public void Of_RecurrentDesignOrEmbedder_IsNoneThatKeepsKeysOrChats()
    {
        Assert.Null(MlcFacts.Of(Encoding.UTF8.GetBytes("""{"model_type":"rwkv6","model_config":{"num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64}}"""), new MlcShards(null, [], null))!.Cache);
        Assert.Equal(ModelUse.Embedding, MlcFacts.Of("{\"model_task\":\"embedding\"}"u8.ToArray(), new MlcShards(null, [], null))!.Use);
    }

    [Theory]
    [InlineData("params_shard_1.bin", -1, "the file params_shard_1.bin that tensor-cache.json names is missing")]
    [InlineData("params_shard_1.bin", 0, "the file params_shard_1.bin that tensor-cache.json names is empty")]
    [InlineData("params_shard_0.bin", 59, "the file params_shard_0.bin has 59 B of 60 B")]
    [InlineData("tensor-cache.json", -1, "there is no tensor-cache.json")]
    [InlineData("tensor-cache.json", 7, "tensor-cache.json names no shards of weights")]
    [InlineData("tokenizer.json", -1, "there is no tokenizer (tokenizer.json, vocab.json)")]
    [InlineData("mlc-chat-config.json", 7, "mlc-chat-config.json is not JSON")]
    [InlineData("mlc-chat-config.json", -1, "there is no mlc-chat-config.json that can be read")]
    public void Read_FileMissingOrCutShort_SaysWhich(string file, int bytes, string fault)
    {
        Write("m", Qwen, Shards);
        File.Delete(_folder.In($"m/{file}"));
        if (bytes >= 0)
        {
            _folder.Write($"m/{file}", bytes);
        }

        Assert.Equal(fault, MlcFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Read_OlderNameOfTheList_IsTaken()
    {
        Write("m", Qwen, Shards);
        File.Move(_folder.In("m/tensor-cache.json"), _folder.In("m/ndarray-cache.json"));

        Assert.Null(MlcFacts.Read(_folder.In("m")).Fault);
    }

    [Fact]
    public void Parse_NameThatLeadsElsewhere_IsTakenWithoutItsFolders() =>
        Assert.Equal([("x.bin", 1L)], MlcShards.Parse("l", """{"records":[{"dataPath":"../../etc/x.bin","nbytes":1}]}"""u8.ToArray()).Files);

    [Fact]
    public void Sources_FoldersAndTheCache_FindModelsOfThisForm()
    {
        Write("models/org/tiny-MLC", Qwen, Shards);
        Write("models/cut-MLC", Qwen, Shards);
        File.Delete(_folder.In("models/cut-MLC/params_shard_0.bin"));
        _folder.RepositoryOf("mlc-ai/cached-MLC", [("mlc-chat-config.json", Encoding.UTF8.GetBytes(Qwen)), ("ndarray-cache.json", Encoding.UTF8.GetBytes(Shards)), ("params_shard_0.bin", new byte[60]), ("params_shard_1.bin", new byte[30]), ("tokenizer.json", new byte[2])]);
        var settings = _folder.Settings(folders: [_folder.In("models")], offered: ["mlc_llm"]);

        var found = new FolderModels(new FactsCache()).Read(settings).Concat(new HuggingFaceCache(new FactsCache()).Read(settings)).ToDictionary(model => model.Id);

        Assert.Equal(["cut-MLC", "mlc-ai/cached-MLC", "tiny-MLC"], found.Keys.Order(StringComparer.Ordinal));
        Assert.All(found.Values, model => Assert.Equal(KindNames.MlcLlm, model.Runner));
        Assert.Equal((new ByteSize(90), null, 32768), (found["mlc-ai/cached-MLC"].FileBytes, found["mlc-ai/cached-MLC"].Missing, found["tiny-MLC"].Facts!.ContextWindow));
        Assert.Contains("params_shard_0.bin", found["cut-MLC"].Missing, StringComparison.Ordinal);
        Assert.Equal(2, WeightFiles.Of(_folder.In("models/org/tiny-MLC")).Count);
        Assert.Empty(new FolderModels(new FactsCache()).Read(_folder.Settings(folders: [_folder.In("models")], offered: ["mlx_lm"])));
    }

    private void Write(string folder, string config, string shards)
    {
        _folder.Write($"{folder}/mlc-chat-config.json", config);
        _folder.Write($"{folder}/tensor-cache.json", shards);
        _folder.Write($"{folder}/params_shard_0.bin", 60);
        _folder.Write($"{folder}/params_shard_1.bin", 30);
        _folder.Write($"{folder}/tokenizer.json", "{}");
    }
}
