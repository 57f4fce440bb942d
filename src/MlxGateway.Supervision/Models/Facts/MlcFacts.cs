using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads what the files of a folder in MLC form say of their model, and whether they are whole: its <c>mlc-chat-config.json</c>, and the list of its shards of weights.</summary>
/// <remarks>Never throws for what lies there, opens nothing that has no bytes (<see cref="Disk"/>), and reads no weights.</remarks>
internal static class MlcFacts
{
    /// <summary>The file that makes a folder one of this form.</summary>
    public const string Config = "mlc-chat-config.json";

    private const long LargestConfig = 8 << 20;
    private const int Deepest = 64;

    // More layers than any model has.
    private const int MostLayers = ConfigPart.LongestList;

    /// <summary>What the files say, and the first thing that is wrong with them.</summary>
    public static FileFacts Read(string folder)
    {
        var path = Path.Combine(folder, Config);
        var json = Disk.Bytes(path, LargestConfig);
        var shards = MlcShards.In(folder);
        if (json is null)
        {
            return new FileFacts(null, Disk.Length(path) is { } length && length > LargestConfig ? $"{Config} has {new ByteSize(length)}, which is no configuration" : $"there is no {Config} that can be read");
        }

        if (Of(json, shards) is not { } facts)
        {
            return new FileFacts(null, $"{Config} is not JSON");
        }

        var tokenizers = TokenizersOf(json);
        return new FileFacts(
            facts,
            shards.FaultIn(folder) ?? (tokenizers.Count > 0 && !tokenizers.Any(name => Disk.Length(Path.Combine(folder, name)) is not null) ? $"there is no tokenizer ({string.Join(", ", tokenizers.Take(3))})" : null));
    }

    /// <summary>What a configuration says; null if it is no JSON object. Without files, so that anything may be tried on it.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="shards">What the list of shards says.</param>
    internal static ModelFacts? Of(byte[] json, MlcShards shards)
    {
        using var document = Json.Parse(json, Deepest);
        if (document?.RootElement.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        // What concerns text may be one level down in models that see; what is compiled in counts before what is said for people.
        var top = new ConfigPart(document.RootElement);
        var model = top.Object("model_config");
        ConfigPart?[] parts = [model?.Object("text_config") ?? model?.Object("language_config"), model, top];
        int? Count(params string[] names) => parts.OfType<ConfigPart>().SelectMany(part => names.Select(part.Count)).FirstOrDefault(count => count is not null);
        var heads = Count("num_attention_heads", "n_head", "num_heads");
        var hidden = Count("hidden_size", "n_embd", "d_model");
        var design = top.Text("model_type");
        var template = top.Object("conv_template");
        return new ModelFacts
        {
            Use = top.Text("model_task") is "embedding" ? ModelUse.Embedding : ModelUse.Chat,
            Architecture = design,
            Quantisation = top.Text("quantization"),
            Parameters = shards.Parameters,
            TensorBytes = shards.Bytes > 0 ? new ByteSize(shards.Bytes) : null,
            Cache = CacheOf(Count("num_hidden_layers", "n_layer", "num_layers"), Count("num_key_value_heads", "multi_query_group_num", "num_kv_heads") ?? heads, Count("head_dim", "kv_channels") ?? (heads > 0 && hidden >= heads ? hidden / heads : null), design),
            ContextWindow = top.Count("context_window_size") ?? model?.Count("context_window_size"),
            HiddenSize = hidden,
            FeedForwardSize = Count("intermediate_size", "ffn_hidden_size", "n_inner"),
            AttentionHeads = heads,
            VocabularySize = Count("vocab_size"),
            PromptStep = top.Count("prefill_chunk_size") ?? model?.Count("prefill_chunk_size"),
            MostSequences = model?.Count("max_batch_size") ?? top.Count("max_batch_size"),
            HasChatTemplate = template is not null || top.Text("conv_template") is not null,
            TakesTools = IsOfGorilla(template, top),
            UnreadCalls = IsOfGorilla(template, top) ? ToolFormat.Native : CallsOf(design, template?.Text("name") ?? top.Text("conv_template")),
            Thinks = design is "qwen3" or "qwen3_moe" || template?.Text("name")?.Contains("deepseek_r1", StringComparison.Ordinal) == true,
        };
    }

    // Every layer keeps as much, whatever its window: the engine takes pages of one size for all.
    private static CacheLayout? CacheOf(int? layers, int? heads, int? size, string? design) =>
        layers is > 0 and <= MostLayers && heads is > 0 and <= 1 << 16 && size is > 0 and <= 1 << 16 && design?.Contains("rwkv", StringComparison.Ordinal) != true
            ? new CacheLayout([new CacheLayers(layers.Value, 2L * heads.Value * size.Value)])
            : null;

    // The one design whose calls the engine reads, in the form of Python.
    private static bool IsOfGorilla(ConfigPart? template, ConfigPart top) => (template?.Text("name") ?? top.Text("conv_template"))?.Contains("gorilla", StringComparison.Ordinal) == true;

    // The engine refuses a conversation in which a call was made, so that calls are better written and read by the gateway. Hermes' form is the one that most models know.
    private static ToolFormat CallsOf(string? design, string? template) =>
        design?.StartsWith("gemma3", StringComparison.Ordinal) == true ? ToolFormat.Gemma
        : template?.StartsWith("llama-3", StringComparison.Ordinal) == true ? ToolFormat.Llama3
        : design?.StartsWith("mistral", StringComparison.Ordinal) == true || design == "ministral3" ? ToolFormat.Mistral
        : ToolFormat.Hermes;

    private static List<string> TokenizersOf(byte[] json)
    {
        using var document = Json.Parse(json, Deepest);
        return document?.RootElement.ValueKind == JsonValueKind.Object && new ConfigPart(document.RootElement).Texts("tokenizer_files") is { } names
            ? [.. names.Select(name => Path.GetFileName(name)).Where(name => name is "tokenizer.json" or "tokenizer.model" or "vocab.json" or "tokenizer_model" or "rwkv_vocab_v20230424.txt")]
            : [];
    }
}
