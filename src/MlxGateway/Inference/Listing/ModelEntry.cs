using System.Text.Json.Serialization;

namespace MlxGateway.Inference.Listing;

/// <summary>The list of models.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">The models, ordered by id.</param>
internal sealed record ModelListAnswer(string Object, IReadOnlyList<ModelEntry> Data);

/// <summary>One model of the list. Sizes are bytes; what is not known is null.</summary>
internal record ModelEntry
{
    /// <summary>What to put in <c>model</c>. Never empty: chat pages lose their whole list to one entry without it.</summary>
    public required string Id { get; init; }

    /// <summary>Always <c>model</c>.</summary>
    public string Object { get; init; } = "model";

    /// <summary>When the gateway first saw it, in seconds since 1970.</summary>
    public required long Created { get; init; }

    /// <summary>Always <c>mlxgateway</c>.</summary>
    public string OwnedBy { get; init; } = "mlxgateway";

    /// <summary>A name for people; no two models have the same.</summary>
    public required string Name { get; init; }

    /// <summary>Other names that <c>model</c> may have.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>Whether it is in memory and serves.</summary>
    public required bool Loaded { get; init; }

    /// <summary>Where it stands.</summary>
    public required ModelStatus Status { get; init; }

    /// <summary>The most tokens of one conversation: as it is launched, or would be launched now.</summary>
    public required int? ContextWindow { get; init; }

    /// <summary>The same as <c>context_window</c>, under the name that routers of many providers use.</summary>
    public int? ContextLength => ContextWindow;

    /// <summary>The same as <c>context_window</c>, under the name that vLLM uses.</summary>
    public int? MaxModelLen => ContextWindow;

    /// <summary>The numbers of llama-server's own list.</summary>
    public required ModelMeta Meta { get; init; }

    /// <summary>What it can do: some of <c>completion</c>, <c>chat</c>, <c>tools</c>, <c>thinking</c>, <c>vision</c>, <c>audio</c>, <c>embedding</c>, <c>rerank</c>, <c>transcription</c>, <c>speech</c>.</summary>
    public required IReadOnlyList<string> Capabilities { get; init; }

    /// <summary>What goes in and what comes out.</summary>
    public required ModelArchitecture Architecture { get; init; }

    /// <summary>How its weights are written: <c>4-bit</c>, <c>Q4_K_M</c>.</summary>
    public required string? Quantization { get; init; }

    /// <summary>How many parameters it has.</summary>
    public required long? Parameters { get; init; }

    /// <summary>The bytes of its files.</summary>
    public required long? SizeBytes { get; init; }

    /// <summary>The kind that serves it.</summary>
    public required string Runner { get; init; }

    /// <summary>What a list can be narrowed down by: the capabilities that not every chat model has.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Whether it would get into memory now; null where its files are incomplete or memory could not be read.</summary>
    public required FitAnswer? Fit { get; init; }

    /// <summary>What Open WebUI takes as the model's own settings.</summary>
    public required OpenWebUiInfo Info { get; init; }
}

/// <summary>Where a model stands.</summary>
/// <param name="Value"><c>unloaded</c>, <c>loading</c>, <c>loaded</c>, <c>unloading</c>, <c>failed</c> or <c>missing</c>.</param>
internal sealed record ModelStatus(string Value)
{
    /// <summary>How much of the load is done, 0 to 1, estimated from how long the last one took.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Progress { get; init; }

    /// <summary>How many seconds the load will take yet, by the same estimate; not there where it takes longer than the last one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? EtaSeconds { get; init; }

    /// <summary>Since when, in UTC.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? Since { get; init; }

    /// <summary>How it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Failure { get; init; }
}

/// <summary>The numbers of llama-server's own list, where they are known.</summary>
internal sealed record ModelMeta
{
    /// <summary>The same as <c>context_window</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NCtx { get; init; }

    /// <summary>The most tokens of one conversation that it was made for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NCtxTrain { get; init; }

    /// <summary>How many parameters it has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? NParams { get; init; }

    /// <summary>The bytes of its tensors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Size { get; init; }

    /// <summary>How many different tokens it knows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NVocab { get; init; }

    /// <summary>The width of its hidden state.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NEmbd { get; init; }
}

/// <summary>What goes into a model and what comes out.</summary>
/// <param name="InputModalities">Some of <c>text</c>, <c>image</c>, <c>audio</c>.</param>
/// <param name="OutputModalities"><c>text</c>, <c>embeddings</c> or <c>audio</c>.</param>
internal sealed record ModelArchitecture(IReadOnlyList<string> InputModalities, IReadOnlyList<string> OutputModalities);

/// <summary>Whether a model would get into memory if somebody asked for it now; at most a second old.</summary>
/// <param name="Value"><c>loaded</c>, <c>fits</c>, <c>fits_after_swap</c>, <c>fits_with_less_context</c>, <c>does_not_fit_now</c> or <c>never</c>.</param>
/// <param name="Message">The same as a sentence, with numbers.</param>
/// <param name="AfterSwap">Whether it has to wait until others have left or have finished loading.</param>
/// <param name="RequiredBytes">What it takes, launched as it is or would be.</param>
/// <param name="BudgetBytes">The most that all models together may ever use.</param>
/// <param name="AvailableBytes">What is free for it without anybody leaving.</param>
/// <param name="EvictableBytes">What others would leave for it.</param>
internal sealed record FitAnswer(string Value, string Message, bool AfterSwap, long RequiredBytes, long BudgetBytes, long AvailableBytes, long EvictableBytes);
