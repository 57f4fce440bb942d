namespace MlxGateway.Inference;

/// <summary>The shape of a stream's events, where the gateway must write one itself.</summary>
internal enum StreamShape
{
    /// <summary>The answer is no stream whose end the gateway could tell; it is passed on as it comes.</summary>
    None,

    /// <summary><c>chat.completion.chunk</c>, <c>data: [DONE]</c> at the end.</summary>
    Chat,

    /// <summary><c>text_completion</c>, <c>data: [DONE]</c> at the end.</summary>
    Completion,

    /// <summary>The events of OpenAI's <c>/v1/responses</c>, of which <c>response.completed</c> is the last.</summary>
    Responses,

    /// <summary>The events of Anthropic's <c>/v1/messages</c>, of which <c>message_stop</c> is the last.</summary>
    Messages,
}

/// <summary>In what a request names its model.</summary>
internal enum RequestForm
{
    /// <summary>In a body of JSON.</summary>
    Json,

    /// <summary>In a form with files, or in a body of JSON.</summary>
    Upload,

    /// <summary>In the query; there is no body.</summary>
    Query,

    /// <summary>In the path. The body is anything and is not looked into.</summary>
    Path,
}

/// <summary>One route that names a model.</summary>
/// <param name="Path">The path at the gateway.</param>
/// <param name="Shape">What its stream looks like.</param>
/// <param name="Form">In what it names the model.</param>
internal sealed record InferenceRoute(string Path, StreamShape Shape, RequestForm Form = RequestForm.Json)
{
    public static readonly InferenceRoute ChatCompletions = new("/v1/chat/completions", StreamShape.Chat);

    public static readonly InferenceRoute Completions = new("/v1/completions", StreamShape.Completion);

    public static readonly InferenceRoute Embeddings = new("/v1/embeddings", StreamShape.None);

    public static readonly InferenceRoute Responses = new("/v1/responses", StreamShape.Responses);

    public static readonly InferenceRoute Messages = new("/v1/messages", StreamShape.Messages);

    public static readonly InferenceRoute ResponsesCount = new("/v1/responses/input_tokens", StreamShape.None);

    public static readonly InferenceRoute MessagesCount = new("/v1/messages/count_tokens", StreamShape.None);

    public static readonly InferenceRoute Transcriptions = new("/v1/audio/transcriptions", StreamShape.None, RequestForm.Upload);

    /// <summary>OpenAI's conversation by voice, a WebSocket.</summary>
    public static readonly InferenceRoute Realtime = new("/v1/realtime", StreamShape.None, RequestForm.Query) { MayBeWebSocket = true, TellsModel = true };

    /// <summary>The settings of a model's server. Where no model is named the gateway tells its own (<see cref="Listing.GatewayProps"/>).</summary>
    public static readonly InferenceRoute Props = new("/props", StreamShape.None, RequestForm.Query);

    /// <summary>Whatever else an engine serves; the path at the runner is in the request.</summary>
    public static readonly InferenceRoute Upstream = new("/upstream/{**rest}", StreamShape.None, RequestForm.Path) { MayBeWebSocket = true };

    /// <summary>Every route whose path at the runner is known. Some are other spellings that clients use.</summary>
    public static IReadOnlyList<InferenceRoute> All { get; } =
    [
        ChatCompletions,
        Completions,
        Embeddings,
        Responses,
        Messages,
        ResponsesCount,
        MessagesCount,
        new("/chat/completions", StreamShape.Chat) { RunnerPath = ChatCompletions.Path },
        new("/completions", StreamShape.Completion) { RunnerPath = Completions.Path },
        new("/embeddings", StreamShape.None) { RunnerPath = Embeddings.Path },
        new("/v1/rerank", StreamShape.None),
        new("/rerank", StreamShape.None) { RunnerPath = "/v1/rerank" },
        new("/v1/reranking", StreamShape.None) { RunnerPath = "/v1/rerank" },
        new("/reranking", StreamShape.None) { RunnerPath = "/v1/rerank" },
        new("/v1/audio/speech", StreamShape.None),
        Transcriptions,
        new("/v1/audio/translations", StreamShape.None, RequestForm.Upload),
        new("/v1/audio/voices", StreamShape.None, RequestForm.Query),
        Realtime,
        new("/v1/images/generations", StreamShape.None),
        new("/v1/images/edits", StreamShape.None, RequestForm.Upload),
        new("/tokenize", StreamShape.None),
        new("/detokenize", StreamShape.None),
        new("/infill", StreamShape.None),
        new("/completion", StreamShape.None),
        Props,
    ];

    /// <summary>The path at the runner.</summary>
    public string RunnerPath { get; init; } = Path;

    /// <summary>Whether it may be asked for a WebSocket.</summary>
    public bool MayBeWebSocket { get; init; }

    /// <summary>Whether the runner is told the model's name in the query, as it knows it.</summary>
    public bool TellsModel { get; init; }

    /// <summary>Whether a whole stream ends with <c>data: [DONE]</c>.</summary>
    public bool EndsWithDone => Shape is StreamShape.Chat or StreamShape.Completion;
}
