namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a model is for.</summary>
public enum ModelUse
{
    /// <summary>Answers messages, or at least continues text.</summary>
    Chat,

    /// <summary>Turns texts, or images, into vectors.</summary>
    Embedding,

    /// <summary>Ranks texts by how well they answer a question.</summary>
    Reranking,

    /// <summary>Writes down what is said.</summary>
    Transcription,

    /// <summary>Speaks.</summary>
    Speech,

    /// <summary>Makes images from texts.</summary>
    Images,

    /// <summary>Changes another model and is none by itself.</summary>
    Adapter,

    /// <summary>Something else that no engine here has a route for: a classifier, an image generator of a design that none knows.</summary>
    Other,
}

/// <summary>What the files of a model say of it. Immutable and compared by value; whatever the files do not say is null.</summary>
public sealed record ModelFacts
{
    /// <summary>What it is for.</summary>
    public ModelUse Use { get; init; }

    /// <summary>What it can be sent: some of <see cref="Modality"/>, text first. What the runner passes on may be less.</summary>
    public ValueList<string> Modalities { get; init; } = Modality.TextAlone;

    /// <summary>What its maker calls its design: <c>model_type</c> of a configuration, <c>general.architecture</c> of a GGUF file.</summary>
    public string? Architecture { get; init; }

    /// <summary>How its weights are written, for a person: <c>4-bit</c>, <c>mxfp4</c>, <c>bf16</c>, <c>Q4_K_M</c>.</summary>
    public string? Quantisation { get; init; }

    /// <summary>How many parameters it has, those of a quantised tensor counted as what they stand for.</summary>
    public long? Parameters { get; init; }

    /// <summary>The bytes of all its tensors.</summary>
    public ByteSize? TensorBytes { get; init; }

    /// <summary>The part of <see cref="TensorBytes"/> that only sees or hears: an engine for text alone does not load it.</summary>
    public ByteSize TowerBytes { get; init; }

    /// <summary>What it keeps of the text that it has read.</summary>
    public CacheLayout? Cache { get; init; }

    /// <summary>The most tokens of one conversation that it was made for.</summary>
    public int? ContextWindow { get; init; }

    /// <summary>The width of its hidden state, in values.</summary>
    public int? HiddenSize { get; init; }

    /// <summary>The width of its widest feed-forward layer, in values.</summary>
    public int? FeedForwardSize { get; init; }

    /// <summary>How many heads ask, in each layer.</summary>
    public int? AttentionHeads { get; init; }

    /// <summary>The width of what its heads ask with together, in values; null where it is not known apart from the hidden state.</summary>
    public int? QuerySize { get; init; }

    /// <summary>Into how many pieces a projector cuts the largest image that it was made for; null of any other model, and where it does not say.</summary>
    public int? ImageTokens { get; init; }

    /// <summary>How a GGUF model makes one vector of a text, by llama.cpp's number; null: it does not say.</summary>
    public int? Pooling { get; init; }

    /// <summary>The <see cref="Pooling"/> that takes the last token's vector.</summary>
    public const int LastPooling = 3;

    /// <summary>How many different tokens it knows.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>How many tokens of prompts it was compiled to read at once; null: that is the engine's to choose.</summary>
    public int? PromptStep { get; init; }

    /// <summary>How many requests at once it was compiled for; null: that is the engine's to choose.</summary>
    public int? MostSequences { get; init; }

    /// <summary>Whether a chat template is there, without which messages cannot be put to it.</summary>
    public bool HasChatTemplate { get; init; }

    /// <summary>Whether its chat template takes definitions of tools.</summary>
    public bool TakesTools { get; init; }

    /// <summary>The form of its calls that engines leave in the text which go by the chat template; native: they read them, or nobody knows.</summary>
    public ToolFormat UnreadCalls { get; init; } = ToolFormat.Native;

    /// <summary>Whether it can think before it answers.</summary>
    public bool Thinks { get; init; }
}
