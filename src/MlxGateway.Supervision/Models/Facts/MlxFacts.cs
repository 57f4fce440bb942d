namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads what the files of a folder of the Hugging Face form say of their model, and whether they are whole.</summary>
/// <remarks>
/// Never throws for what lies there, opens nothing that has no bytes (<see cref="Disk"/>), and reads no weights: of each shard the header alone. <c>tokenizer.json</c>, which may
/// be large, is only looked for.
/// </remarks>
internal static class MlxFacts
{
    // The largest that are known have some hundred kilobytes, by the names of their classes; the other lists its added tokens.
    private const long LargestConfig = 8 << 20;
    private const long LargestTokenizerConfig = 16 << 20;

    private static readonly string[] Tokenizers = ["tokenizer.json", "tokenizer.model", "tekken.json", "tiktoken.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model"];

    /// <summary>What the files say, and the first thing that is wrong with them.</summary>
    public static FileFacts Read(string folder)
    {
        if (MlxPipeline.Read(folder) is { } pipeline)
        {
            return pipeline;
        }

        var config = Path.Combine(folder, "config.json");
        var json = Disk.Bytes(config, LargestConfig);
        using var keys = json is null ? null : ConfigKeys.Parse(json);
        var shards = MlxShards.In(folder);
        var use = MlxUse.Of(keys, NameOf(folder), Has, hasModel: shards.Files.Any(file => Path.GetFileName(file).StartsWith("model", StringComparison.OrdinalIgnoreCase)));
        if (keys is null && shards.Files.Count == 0 && use == ModelUse.Chat)
        {
            return new FileFacts(null, FaultOfConfig(config, json));
        }

        var tally = new TensorTally(MlxQuantisation.Of(keys));
        var fault = use == ModelUse.Adapter ? "it holds an adapter and no model" : (keys is null ? FaultOfConfig(config, json) : null);
        fault ??= FaultOfShards(folder, shards, use, tally) ?? (use == ModelUse.Chat && !HasTokenizer(folder) ? "there is no tokenizer (tokenizer.json, tokenizer.model or a .tiktoken file)" : null);
        return new FileFacts(Facts(folder, keys, use, tally), fault);

        bool Has(string name) => Disk.Length(Path.Combine(folder, name)) is not null;
    }

    /// <summary>What a configuration and what lies beside it say. Without files, so that anything may be tried on it.</summary>
    /// <param name="has">Whether a file with bytes lies in the folder.</param>
    internal static ModelFacts Of(ConfigKeys? keys, ModelUse use, TokenizerConfig tokenizer, IReadOnlyList<string> templates, TensorTally tally, Func<string, bool> has) => new()
    {
        Use = use,
        Modalities = MlxModalities.Of(keys, use, has),
        Architecture = keys?.ModelType,
        Quantisation = MlxQuantisation.Of(keys).Name ?? tally.MainType,
        Parameters = tally.Bytes > 0 ? tally.Parameters : null,
        TensorBytes = tally.Bytes > 0 ? new ByteSize(tally.Bytes) : null,
        TowerBytes = use == ModelUse.Chat ? new ByteSize(tally.TowerBytes) : ByteSize.Zero,
        Cache = keys is null || use is not (ModelUse.Chat or ModelUse.Reranking) ? null : MlxCache.Of(keys),
        ContextWindow = keys is null ? null : MlxContext.Of(keys, tokenizer.Length),
        HiddenSize = keys is null ? null : MlxSizes.Hidden(keys),
        FeedForwardSize = keys is null ? null : MlxSizes.FeedForward(keys),
        AttentionHeads = keys is null ? null : MlxAttention.Heads(keys, keys.TextType ?? ""),
        VocabularySize = keys?.Count("vocab_size", "n_vocab"),
        HasChatTemplate = templates.Count > 0 || tokenizer.HasNamedTemplate,
        TakesTools = templates.Any(ChatTemplate.TakesTools),
        UnreadCalls = ChatTemplate.UnreadCalls(templates, keys?.ModelType),
        Thinks = templates.Any(ChatTemplate.Thinks),
    };

    private static ModelFacts Facts(string folder, ConfigKeys? keys, ModelUse use, TensorTally tally)
    {
        var tokenizer = Disk.Bytes(Path.Combine(folder, "tokenizer_config.json"), LargestTokenizerConfig) is { } json ? TokenizerConfig.Parse(json) : TokenizerConfig.Empty;
        return Of(keys, use, tokenizer, MlxTemplates.Of(folder, tokenizer), tally, name => Disk.Length(Path.Combine(folder, name)) is not null);
    }

    private static string FaultOfConfig(string config, byte[]? json) => json is not null ? "config.json is not JSON"
        : Disk.Length(config) is not { } length ? "there is no config.json"
        : length > LargestConfig ? $"config.json has {new ByteSize(length)}, which is no configuration"
        : "config.json cannot be read by the user that the gateway runs as";

    private static string? FaultOfShards(string folder, MlxShards shards, ModelUse use, TensorTally tally)
    {
        // What listens or speaks may have its weights in the form of numpy.
        if (shards.Files.Count == 0)
        {
            return use is ModelUse.Transcription or ModelUse.Speech or ModelUse.Other && FileWalk.Find(folder, ".npz", depth: 0).Count > 0 ? null : "there are no .safetensors files";
        }

        string? fault = null;
        foreach (var shard in shards.Files)
        {
            var one = FaultOfShard(shard, shards.AreIndexed, tally); // of each, although one is enough: the others still say how large the model is
            fault ??= one;
        }

        return fault;
    }

    /// <summary>What is wrong with one file of weights; null if nothing is. Its tensors are added to the tally as far as they can be read.</summary>
    internal static string? FaultOfShard(string path, bool isIndexed, TensorTally tally)
    {
        var name = Path.GetFileName(path);
        if (Disk.Length(path) is not { } length)
        {
            var state = Disk.IsEmpty(path) ? "empty" : "missing"; // a link that leads nowhere is missing
            return isIndexed ? $"the file {name} that the index names is {state}" : $"the file {name} is {state}";
        }

        using var file = Disk.Open(path);
        return file is null ? $"the file {name} cannot be read by the user that the gateway runs as" : SafetensorsHeader.Read(file, length, name, tally);
    }

    private static bool HasTokenizer(string folder) =>
        Array.Exists(Tokenizers, name => Disk.Length(Path.Combine(folder, name)) is not null) || FileWalk.Find(folder, ".tiktoken", depth: 0).Any(file => Disk.Length(file) is not null);

    // A snapshot of the cache is called by its commit, and lies in the folder of its repository.
    private static string NameOf(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(folder);
        var above = Path.GetDirectoryName(full);
        return Path.GetFileName(above) == "snapshots" ? Path.GetFileName(Path.GetDirectoryName(above)) ?? "" : Path.GetFileName(full);
    }
}
