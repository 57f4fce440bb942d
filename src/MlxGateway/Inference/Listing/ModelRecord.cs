using System.Text.Json.Serialization;

namespace MlxGateway.Inference.Listing;

/// <summary>All that is known of one model: its entry in the list, and why that is so. Says nothing of its arguments and its environment, in which secrets may be.</summary>
internal sealed record ModelRecord : ModelEntry
{
    /// <summary><c>configured</c>, <c>discovered</c> or <c>demonstration</c>.</summary>
    [JsonPropertyOrder(1)]
    public required string Origin { get; init; }

    /// <summary>What the runner loads, as it was written or found.</summary>
    [JsonPropertyOrder(1)]
    public required string? Source { get; init; }

    /// <summary>What of its files is missing, with the command that fetches it.</summary>
    [JsonPropertyOrder(1)]
    public required string? Missing { get; init; }

    /// <summary>Whether it stays in memory once it is there.</summary>
    [JsonPropertyOrder(1)]
    public required bool Pinned { get; init; }

    /// <summary>What its files say; null where there are none that can be read.</summary>
    [JsonPropertyOrder(1)]
    public required FactsAnswer? Facts { get; init; }

    /// <summary>What it takes, launched as it is or would be; null where its files are incomplete.</summary>
    [JsonPropertyOrder(1)]
    public required MemoryAnswer? Memory { get; init; }
}

/// <summary>What the files of a model say.</summary>
internal sealed record FactsAnswer
{
    /// <summary><c>chat</c>, <c>embedding</c>, <c>reranking</c>, <c>transcription</c>, <c>speech</c>, <c>adapter</c> or <c>other</c>.</summary>
    public required string Use { get; init; }

    /// <summary>What its maker calls its design.</summary>
    public required string? Architecture { get; init; }

    /// <summary>The most tokens of one conversation that it was made for.</summary>
    public required int? ContextWindow { get; init; }

    /// <summary>Whether a chat template is there.</summary>
    public required bool HasChatTemplate { get; init; }

    /// <summary>Whether its chat template takes definitions of tools.</summary>
    public required bool TakesTools { get; init; }

    /// <summary>Whether it can think before it answers.</summary>
    public required bool Thinks { get; init; }

    /// <summary>The bytes of all its tensors.</summary>
    public required long? TensorBytes { get; init; }

    /// <summary>The part of them that only sees or hears.</summary>
    public required long TowerBytes { get; init; }

    /// <summary>The width of its hidden state.</summary>
    public required int? HiddenSize { get; init; }

    /// <summary>The width of its widest feed-forward layer.</summary>
    public required int? FeedForwardSize { get; init; }

    /// <summary>How many heads ask, in each layer.</summary>
    public required int? AttentionHeads { get; init; }

    /// <summary>How many different tokens it knows.</summary>
    public required int? VocabularySize { get; init; }

    /// <summary>What it keeps of the text that it has read.</summary>
    public required CacheAnswer? Cache { get; init; }
}

/// <summary>What a model keeps of the text that it has read, with two bytes a value.</summary>
/// <param name="Layers">How many layers keep something.</param>
/// <param name="BytesPerToken">What each further token adds, as long as no window is full.</param>
/// <param name="LastingBytesPerToken">What each further token adds once every window is full.</param>
/// <param name="StateBytes">What a conversation takes however long it is.</param>
internal sealed record CacheAnswer(int Layers, long BytesPerToken, long LastingBytesPerToken, long StateBytes);

/// <summary>What a model takes.</summary>
/// <param name="RequiredBytes">What it is counted with.</param>
/// <param name="Reason">The parts in words.</param>
/// <param name="Parts">The parts; none where it is configured or unknown.</param>
/// <param name="EstimateBytes">The sum of the parts.</param>
/// <param name="ObservedBytes">The most that it was ever seen to take when launched like this.</param>
/// <param name="Error">How far the estimate is from what was seen, relative to that: 0.1 is a tenth too much.</param>
/// <param name="Shape">How it is launched for this.</param>
internal sealed record MemoryAnswer(long RequiredBytes, string Reason, IReadOnlyList<PartAnswer> Parts, long? EstimateBytes, long? ObservedBytes, double? Error, ShapeAnswer Shape);

/// <summary>A part of what a model takes.</summary>
/// <param name="Name"><c>weights</c>, <c>KV cache</c>, …</param>
/// <param name="Bytes">How much.</param>
internal sealed record PartAnswer(string Name, long Bytes);

/// <summary>How a model is launched; what is null is left to the engine.</summary>
/// <param name="Context">The most tokens of one conversation.</param>
/// <param name="Conversations">How many of that length memory is set aside for.</param>
/// <param name="CacheFormat"><c>f16</c>, <c>q8</c> or <c>q4</c>.</param>
/// <param name="PromptCacheBytes">The memory for what earlier requests have read.</param>
/// <param name="Lowered">What was lowered so that it fits, as a sentence.</param>
internal sealed record ShapeAnswer(int? Context, int Conversations, string CacheFormat, long? PromptCacheBytes, string? Lowered);
