using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Inference.Listing;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Tests.Inference.Listing;

public sealed class EntriesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private static readonly ModelFacts ChatFacts = new()
    {
        Architecture = "qwen3_moe",
        Quantisation = "4-bit",
        Parameters = 30_532_122_624,
        TensorBytes = ByteSize.FromGigabytes(16),
        Cache = new CacheLayout([new CacheLayers(48, 1024)]),
        ContextWindow = 262_144,
        HiddenSize = 2048,
        FeedForwardSize = 6144,
        AttentionHeads = 32,
        VocabularySize = 151_936,
        HasChatTemplate = true,
        TakesTools = true,
        Thinks = true,
    };

    private static readonly ModelSpec Chat = new()
    {
        Id = "mlx-community/Qwen3-30B-A3B-4bit",
        Source = "mlx-community/Qwen3-30B-A3B-4bit",
        Runner = "mlx_lm",
        Origin = ModelOrigin.Discovered,
        Aliases = ["qwen"],
        FileBytes = ByteSize.FromGigabytes(16.5),
        Facts = ChatFacts,
        Env = new ValueMap([new("HF_TOKEN", "hf_secret")]),
        Args = ["--api-key", "sk-secret"],
    };

    [Fact]
    public void Entry_ChatModelThatFitsWithLessContext_SaysEverything() => Golden(Entry(Chat, Needs(), Pool(20)), """
        {"id":"mlx-community/Qwen3-30B-A3B-4bit","object":"model","created":1700000000,"owned_by":"mlxgateway","name":"Qwen3 30B A3B 4bit","aliases":["qwen"],
         "loaded":false,"status":{"value":"unloaded"},"context_window":32768,"context_length":32768,"max_model_len":32768,
         "meta":{"n_ctx":32768,"n_ctx_train":262144,"n_params":30532122624,"size":17179869184,"n_vocab":151936,"n_embd":2048},
         "capabilities":["completion","chat","tools","thinking"],"architecture":{"input_modalities":["text"],"output_modalities":["text"]},
         "quantization":"4-bit","parameters":30532122624,"size_bytes":17716740096,"runner":"mlx_lm","tags":["tools","thinking"],
         "fit":{"value":"fits_with_less_context","message":"The context is 32768 tokens instead of 262144.","after_swap":false,"required_bytes":20401094656,"budget_bytes":21474836480,"available_bytes":21474836480,"evictable_bytes":0},
         "info":{"meta":{"description":"30.5 billion parameters, 4-bit, 32,768 tokens of context, 19.00 GB, mlx_lm. Fits with a shorter context than it could have.","hidden":false,"capabilities":{"vision":false,"usage":true}}}}
        """);

    [Fact]
    public void Record_LoadedModel_SaysHowItWasLaunchedAndHowFarTheEstimateIs() => Golden(Record(Chat, Needs(), Pool(20, Held(Chat, ResidentState.Ready) with { Need = Lesser })), """
        {"id":"mlx-community/Qwen3-30B-A3B-4bit","object":"model","created":1700000000,"owned_by":"mlxgateway","name":"Qwen3 30B A3B 4bit","aliases":["qwen"],
         "loaded":true,"status":{"value":"loaded","since":"2026-03-04T05:05:57Z"},"context_window":32768,"context_length":32768,"max_model_len":32768,
         "meta":{"n_ctx":32768,"n_ctx_train":262144,"n_params":30532122624,"size":17179869184,"n_vocab":151936,"n_embd":2048},
         "capabilities":["completion","chat","tools","thinking"],"architecture":{"input_modalities":["text"],"output_modalities":["text"]},
         "quantization":"4-bit","parameters":30532122624,"size_bytes":17716740096,"runner":"mlx_lm","tags":["tools","thinking"],
         "fit":{"value":"loaded","message":"It is in memory and counted with 19.00 GB (weights 16.00 GB, KV cache 3.00 GB).","after_swap":false,"required_bytes":20401094656,"budget_bytes":21474836480,"available_bytes":21474836480,"evictable_bytes":0},
         "info":{"meta":{"description":"30.5 billion parameters, 4-bit, 32,768 tokens of context, 19.00 GB, mlx_lm. In memory.","hidden":false,"capabilities":{"vision":false,"usage":true}}},
         "origin":"discovered","source":"mlx-community/Qwen3-30B-A3B-4bit","missing":null,"pinned":false,
         "facts":{"use":"chat","architecture":"qwen3_moe","context_window":262144,"has_chat_template":true,"takes_tools":true,"thinks":true,"tensor_bytes":17179869184,"tower_bytes":0,
                  "hidden_size":2048,"feed_forward_size":6144,"attention_heads":32,"vocabulary_size":151936,"cache":{"layers":48,"bytes_per_token":98304,"lasting_bytes_per_token":98304,"state_bytes":0}},
         "memory":{"required_bytes":20401094656,"reason":"weights 16.00 GB, KV cache 3.00 GB","parts":[{"name":"weights","bytes":17179869184},{"name":"KV cache","bytes":3221225472}],
                   "estimate_bytes":20401094656,"observed_bytes":16106127360,"error":0.267,
                   "shape":{"context":32768,"conversations":1,"cache_format":"q8","prompt_cache_bytes":null,"lowered":"The context is 32768 tokens instead of 262144."}}}
        """);

    [Fact]
    public void Entry_EmbeddingModel_IsHiddenFromChats()
    {
        var model = new ModelSpec { Id = "nomic", Runner = "llama_server", FileBytes = new ByteSize(1000), Facts = new ModelFacts { Use = ModelUse.Embedding, ContextWindow = 2048, Quantisation = "F16", Parameters = 136_700_000 } };

        Golden(Entry(model, new MemoryNeed(new ByteSize(1000), "weights 1000 B"), Pool(20)), """
            {"id":"nomic","object":"model","created":1700000000,"owned_by":"mlxgateway","name":"nomic","aliases":[],
             "loaded":false,"status":{"value":"unloaded"},"context_window":2048,"context_length":2048,"max_model_len":2048,
             "meta":{"n_ctx":2048,"n_ctx_train":2048,"n_params":136700000,"size":1000},
             "capabilities":["embedding"],"architecture":{"input_modalities":["text"],"output_modalities":["embeddings"]},
             "quantization":"F16","parameters":136700000,"size_bytes":1000,"runner":"llama_server","tags":["embedding"],
             "fit":{"value":"fits","message":"It needs 1000 B of the 20.00 GB that are free.","after_swap":false,"required_bytes":1000,"budget_bytes":21474836480,"available_bytes":21474836480,"evictable_bytes":0},
             "info":{"meta":{"description":"136.7 million parameters, F16, 2,048 tokens of context, 1000 B, llama_server. Fits beside what is loaded.","hidden":true,"capabilities":{"vision":false,"usage":true,"builtin_tools":false}}}}
            """);
    }

    [Fact]
    public void Entry_IncompleteModel_IsMissingAndHiddenAndNotJudged()
    {
        var model = new ModelSpec { Id = "half", Runner = "mlx_lm", Missing = "2 of 4 files are missing; fetch them with: hf download half" };

        Golden(Entry(model, null, Pool(20)), """
            {"id":"half","object":"model","created":1700000000,"owned_by":"mlxgateway","name":"half","aliases":[],
             "loaded":false,"status":{"value":"missing"},"context_window":null,"context_length":null,"max_model_len":null,"meta":{},
             "capabilities":["completion","chat"],"architecture":{"input_modalities":["text"],"output_modalities":["text"]},
             "quantization":null,"parameters":null,"size_bytes":null,"runner":"mlx_lm","tags":[],"fit":null,
             "info":{"meta":{"description":"2 of 4 files are missing; fetch them with: hf download half","hidden":true,"capabilities":{"vision":false,"usage":true}}}}
            """);
    }

    [Fact]
    public void Entry_NothingKnownButTheId_IsAGoodEntryAllTheSame()
    {
        var model = new ModelSpec { Id = "custom", Runner = "command", Modalities = [Modality.Text, Modality.Image] };

        Golden(Entry(model, new MemoryNeed(ByteSize.FromGigabytes(4), "the default, as nothing is known of it"), Pool(2)), """
            {"id":"custom","object":"model","created":1700000000,"owned_by":"mlxgateway","name":"custom","aliases":[],
             "loaded":false,"status":{"value":"unloaded"},"context_window":null,"context_length":null,"max_model_len":null,"meta":{},
             "capabilities":["completion","chat","vision"],"architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},
             "quantization":null,"parameters":null,"size_bytes":null,"runner":"command","tags":["vision"],
             "fit":{"value":"does_not_fit_now","message":"Only 2.00 GB available, but at least 4.00 GB is needed for custom (the default, as nothing is known of it). Other programs hold the rest: close some of them, or try again later.","after_swap":false,"required_bytes":4294967296,"budget_bytes":21474836480,"available_bytes":2147483648,"evictable_bytes":0},
             "info":{"meta":{"description":"4.00 GB, command. Does not fit now: other programs hold the memory.","hidden":false,"capabilities":{"vision":true,"usage":true}}}}
            """);
    }

    [Fact]
    public void Entry_AnotherIsPinned_NeverFits()
    {
        var other = new ModelSpec { Id = "pinned", Runner = "demo" };
        var entry = Entry(Chat, Needs(), Pool(20, Held(other, ResidentState.Ready) with { Spec = other with { Pinned = true }, Planned = ByteSize.FromGigabytes(6) }));

        Assert.Equal("never", entry["fit"]!["value"]!.GetValue<string>());
        Assert.Contains("pinned models hold 6.00 GB of it", entry["fit"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);

        // What it could have, not the least that does not fit either.
        Assert.Equal(262_144, entry["context_window"]!.GetValue<int>());
    }

    [Fact]
    public void Entry_LoadedAndMemoryNeverRead_HasTheContextThatItWasLaunchedWith()
    {
        var pool = Pool(20, Held(Chat, ResidentState.Ready) with { Need = Lesser }) with { Memory = default };

        var entry = Entry(Chat, Needs(), pool);

        Assert.Null(entry["fit"]);
        Assert.Equal(32_768, entry["context_window"]!.GetValue<int>());
    }

    [Theory]
    [InlineData(40.0, 0.25, 30.0)]
    [InlineData(8.0, 0.99, null)]
    [InlineData(null, null, null)]
    public void Entry_Launching_EstimatesProgressByTheLastLoad(double? lastLoad, double? progress, double? eta)
    {
        var loading = Held(Chat, ResidentState.Launching) with { Need = Lesser, LoadTime = lastLoad is { } seconds ? TimeSpan.FromSeconds(seconds) : null };

        var entry = Entry(Chat, Needs(), Pool(20, loading));

        Assert.False(entry["loaded"]!.GetValue<bool>());
        Assert.Equal("loading", entry["status"]!["value"]!.GetValue<string>());
        Assert.Equal(progress, entry["status"]!["progress"]?.GetValue<double>());
        Assert.Equal(eta, entry["status"]!["eta_seconds"]?.GetValue<double>());
        Assert.Equal("2026-03-04T05:05:57Z", entry["status"]!["since"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(ResidentState.Ready, 0, "loaded")]
    [InlineData(ResidentState.Draining, 0, "unloading")]
    [InlineData(ResidentState.Stopping, 1, "unloading")]
    [InlineData(ResidentState.Cooling, 0, "failed")]
    [InlineData(ResidentState.Absent, 1, "loading")]
    [InlineData(ResidentState.Absent, 0, "unloaded")]
    public void Entry_EachState_HasItsWord(ResidentState state, int waiting, string value)
    {
        var held = Held(Chat, state) with { Waiting = waiting, Failure = state is ResidentState.Cooling ? "exit code 3" : null };

        var entry = Entry(Chat, Needs(), Pool(20, held));

        Assert.Equal(value, entry["status"]!["value"]!.GetValue<string>());
        Assert.Equal(state is ResidentState.Ready, entry["loaded"]!.GetValue<bool>());
        Assert.Equal(held.Failure, entry["status"]!["failure"]?.GetValue<string>());
    }

    [Theory]
    [InlineData(16_383, true, false)]
    [InlineData(16_384, true, null)]
    [InlineData(32_768, false, false)]
    [InlineData(null, true, null)]
    public void Info_TooSmallAContextOrNoToolsInTheTemplate_TurnsBuiltinToolsOff(int? context, bool takesTools, bool? builtin)
    {
        var model = new ModelSpec { Id = "m", Runner = "demo", Context = context, Facts = new ModelFacts { HasChatTemplate = true, TakesTools = takesTools } };

        var capabilities = Entry(model, null, Pool(20))["info"]!["meta"]!["capabilities"]!;

        Assert.Equal(builtin, capabilities["builtin_tools"]?.GetValue<bool>());
    }

    [Theory]
    [InlineData("mlx_lm", ToolFormat.Auto, ToolFormat.Gemma, true)]
    [InlineData("mlx_lm", ToolFormat.Native, ToolFormat.Gemma, false)]
    [InlineData("mlx_lm", ToolFormat.Auto, ToolFormat.Native, false)]
    [InlineData("command", ToolFormat.Auto, ToolFormat.Gemma, false)]
    [InlineData("command", ToolFormat.Hermes, ToolFormat.Native, true)]
    public void Entry_OfAModelThatTheGatewayTellsOfTools_CanUseThem(string runner, ToolFormat format, ToolFormat unread, bool expected)
    {
        var model = new ModelSpec { Id = "m", Runner = runner, ToolFormat = format, Facts = new ModelFacts { HasChatTemplate = true, UnreadCalls = unread } };

        Assert.Equal(expected, Entry(model, null, Pool(20))["capabilities"]!.AsArray().Any(static c => c!.GetValue<string>() == "tools"));
    }

    [Theory]
    [InlineData(ModelUse.Reranking, "rerank", true)]
    [InlineData(ModelUse.Transcription, "transcription", true)]
    [InlineData(ModelUse.Speech, "speech", true)]
    [InlineData(ModelUse.Images, "image", true)]
    [InlineData(ModelUse.Adapter, "", true)]
    [InlineData(ModelUse.Other, "", true)]
    [InlineData(ModelUse.Chat, "completion", false)] // no template: it continues texts, and llama-server has a template of its own
    public void Entry_EachUse_HasItsCapabilities(ModelUse use, string capabilities, bool hidden)
    {
        var entry = Entry(new ModelSpec { Id = "m", Runner = "demo", Facts = new ModelFacts { Use = use } }, null, Pool(20));

        Assert.Equal(capabilities, string.Join(' ', entry["capabilities"]!.AsArray().Select(c => c!.GetValue<string>())));
        Assert.Equal(hidden, entry["info"]!["meta"]!["hidden"]!.GetValue<bool>());
    }

    [Fact]
    public void Record_OfAModelWithSecrets_ShowsNeitherArgumentsNorEnvironment() =>
        Assert.DoesNotContain("secret", Record(Chat, Needs(), Pool(20)).ToJsonString(), StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void Names_OfTwoThatWouldBeCalledTheSame_AreTheirIds()
    {
        var names = ModelNames.Of(
        [
            Found("mlx-community/Qwen3-4B-4bit"),
            Found("other/qwen3-4B-4bit"),
            Found("unsloth/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf"),
            Found("org/-"),
            new ModelSpec { Id = "team/my-coder", Runner = "demo" },
        ]);

        Assert.Equal(
            ["mlx-community/Qwen3-4B-4bit", "other/qwen3-4B-4bit", "gemma 3 4b it Q4_K_M", "org/-", "team/my-coder"],
            names.Values);

        static ModelSpec Found(string id) => new() { Id = id, Runner = "demo", Origin = ModelOrigin.Discovered };
    }

    private static MemoryNeed Lesser { get; } = new(ByteSize.FromGigabytes(19), "weights 16.00 GB, KV cache 3.00 GB")
    {
        Shape = new LaunchShape { Context = 32_768, CacheFormat = CacheFormat.Q8, Lowered = "The context is 32768 tokens instead of 262144." },
        Parts = [new("weights", ByteSize.FromGigabytes(16)), new("KV cache", ByteSize.FromGigabytes(3))],
        Estimate = ByteSize.FromGigabytes(19),
        Observed = ByteSize.FromGigabytes(15),
    };

    private static MemoryNeeds Needs() => new([new MemoryNeed(ByteSize.FromGigabytes(40), "weights 16.00 GB, KV cache 24.00 GB") { Shape = new LaunchShape { Context = 262_144 } }, Lesser]);

    private static PoolSnapshot Pool(double usable, params ResidentSnapshot[] models) =>
        new(models, new MemoryObservation(ByteSize.FromGigabytes(20), ByteSize.FromGigabytes(usable)), default, false);

    private static ResidentSnapshot Held(ModelSpec model, ResidentState state) => new(model.Id, state, model.Runner, 1, 2, 0, 0, Now - TimeSpan.FromSeconds(10), default);

    private static JsonNode Entry(ModelSpec model, MemoryNeeds? needs, PoolSnapshot pool)
    {
        var list = new ModelListAnswer("list", [Entries.Entry(Known(model, needs, pool), Now)]);
        return JsonSerializer.SerializeToNode(list, ListingJson.Default.ModelListAnswer)!["data"]![0]!;
    }

    private static JsonNode Record(ModelSpec model, MemoryNeeds? needs, PoolSnapshot pool) =>
        JsonSerializer.SerializeToNode(Entries.Record(Known(model, needs, pool), Now), ListingJson.Default.ModelRecord)!;

    private static KnownModel Known(ModelSpec model, MemoryNeeds? needs, PoolSnapshot pool) =>
        KnownModel.In(pool, model, ModelNames.Of([model])[model.Id], DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), needs);

    // Member by member and in this order; only spaces do not count.
    private static void Golden(JsonNode actual, string expected) => Assert.Equal(Indented(JsonNode.Parse(expected)!), Indented(actual));

    private static string Indented(JsonNode node) => node.ToJsonString(IndentedOptions);

    private static readonly JsonSerializerOptions IndentedOptions = new() { WriteIndented = true };
}
