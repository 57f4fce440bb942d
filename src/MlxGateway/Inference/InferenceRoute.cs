namespace MlxGateway.Inference;

/// <summary>The shape of a stream's events, where the gateway must write one itself.</summary>
internal enum StreamShape
{
    /// <summary>The route never streams.</summary>
    None,

    /// <summary><c>chat.completion.chunk</c>.</summary>
    Chat,

    /// <summary><c>text_completion</c>.</summary>
    Completion,

    /// <summary>The events of OpenAI's <c>/v1/responses</c>, of which <c>response.completed</c> is the last.</summary>
    Responses,

    /// <summary>The events of Anthropic's <c>/v1/messages</c>, of which <c>message_stop</c> is the last.</summary>
    Messages,
}

/// <summary>One route whose body names a model.</summary>
/// <param name="Path">The path at the gateway, which is also the path at the runner.</param>
/// <param name="Shape">What its stream looks like.</param>
internal sealed record InferenceRoute(string Path, StreamShape Shape)
{
    /// <summary>Whether the body may be a form in parts.</summary>
    public bool TakesForms { get; init; }

    public static readonly InferenceRoute ChatCompletions = new("/v1/chat/completions", StreamShape.Chat);

    public static readonly InferenceRoute Completions = new("/v1/completions", StreamShape.Completion);

    public static readonly InferenceRoute Embeddings = new("/v1/embeddings", StreamShape.None);

    public static readonly InferenceRoute AudioTranscriptions = new("/v1/audio/transcriptions", StreamShape.None) { TakesForms = true };

    public static IReadOnlyList<InferenceRoute> All { get; } = [ChatCompletions, Completions, Embeddings, AudioTranscriptions];
}
