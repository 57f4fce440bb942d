using System.Collections.Frozen;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>One of the things that <c>mlx_vlm.server</c> serves a model as: it has an option, routes and a place in memory for each.</summary>
/// <param name="Option">By which it is told the model.</param>
/// <param name="Offers">The routes that use the model; on any other it would load the same files once more, as something else.</param>
internal sealed record MlxVlmUse(string Option, FrozenSet<string> Offers)
{
    private static readonly MlxVlmUse Chat = new("--model", Routes("/v1/chat/completions", "/v1/responses", "/v1/responses/input_tokens", "/v1/messages", "/v1/messages/count_tokens"))
    {
        Rules =
        [
            new("messages", FieldShape.List) { RequiredOn = ["/v1/chat/completions"] },

            // Each would make it load something beside our accounting.
            new("adapter_path", FieldShape.Any) { IsDropped = true },
            new("draft_model", FieldShape.Any) { IsDropped = true },

            // Where they do not ask for the counts, the gateway does.
            new("stream_options", FieldShape.Map) { DroppedUnless = "include_usage" },
        ],
        Asks = static model => Post("/v1/chat/completions", $$"""{"model":{{Text(model)}},"messages":[{"role":"user","content":"hi"}],"max_tokens":1}"""),
    };

    private static readonly MlxVlmUse Embedding = new("--embedding-model", Routes("/v1/embeddings"))
    {
        For = "makes vectors of texts",
        Group = "embedding",
        Rules = [new("input", FieldShape.Any) { RequiredOn = ["/v1/embeddings"] }],
        Asks = ReadyProbe.Vector,
        MustAnswer = true,
    };

    private static readonly MlxVlmUse Reranking = new("--reranker-model", Routes("/v1/rerank"))
    {
        For = "ranks texts",
        Group = "reranker",
        Rules = [new("query", FieldShape.Any) { RequiredOn = ["/v1/rerank"] }, new("documents", FieldShape.List) { RequiredOn = ["/v1/rerank"] }],
        Asks = ReadyProbe.Rank,
        MustAnswer = true,
    };

    // Whether it speaks without a voice, or hears anything in a moment of silence, depends on the model: that it says something is enough.
    private static readonly MlxVlmUse Speech = new("--tts-model", Routes("/v1/audio/speech"))
    {
        For = "speaks",
        Group = "tts",
        Rules = [new("input", FieldShape.Text) { RequiredOn = ["/v1/audio/speech"] }],
        Asks = static model => Post("/v1/audio/speech", $$"""{"model":{{Text(model)}},"input":"hi","response_format":"wav"}""") with { TakesAnyAnswer = true },
    };

    private static readonly MlxVlmUse Transcription = new("--stt-model", Routes("/v1/audio/transcriptions", "/v1/audio/translations"))
    {
        For = "writes down what is said",
        Group = "stt",
        Asks = SilentForm.Asks,
    };

    // It makes images on the thread that answers: whatever it answers shows that it works. Edits are not offered: for them it loads all weights once more, and takes paths of files instead of images.
    private static readonly MlxVlmUse Images = new("--image-model", Routes("/v1/images/generations"))
    {
        For = "makes images",
        Group = "image_generation",
        Rules =
        [
            new("prompt", FieldShape.Text) { RequiredOn = ["/v1/images/generations"] },
            new("prompt_expansion_model", FieldShape.Any) { IsDropped = true }, // another model
            new("output_path", FieldShape.Any) { IsDropped = true }, // would write files for whoever asks
            new("output_dir", FieldShape.Any) { IsDropped = true },
            new("response_format", FieldShape.Any) { IsDropped = true }, // a file again, or "b64_json", which it is anyway; "url" it refuses
        ],
        Asks = static _ => new ReadyProbe(HttpMethod.Get, "/health"),
    };

    /// <summary>What a model does through it, for a person; null: it chats.</summary>
    public string? For { get; private init; }

    /// <summary>What it calls the models of this use where it says which are loaded; null: it ends if it cannot load one.</summary>
    public string? Group { get; private init; }

    /// <summary>What becomes of the fields of a request.</summary>
    public IReadOnlyList<FieldRule> Rules { get; private init; } = [];

    /// <summary>Something that only its working part can answer, by the name of the model.</summary>
    public required Func<string, ReadyProbe> Asks { private get; init; }

    /// <summary>Whether it is ready only when it has answered that: some models are loaded and cannot be used so.</summary>
    public bool MustAnswer { get; private init; }

    /// <summary>What a model is served as. One of which nothing is known chats.</summary>
    public static MlxVlmUse Of(ModelSpec model) => model.Facts?.Use switch
    {
        ModelUse.Embedding => Embedding,
        ModelUse.Reranking => Reranking,
        ModelUse.Speech => Speech,
        ModelUse.Transcription => Transcription,
        ModelUse.Images => Images,
        _ => Chat,
    };

    /// <summary>A question for the working part.</summary>
    /// <param name="model">The model, by the words of the command line.</param>
    public ReadyProbe Question(string model) => Asks(model);

    private static ReadyProbe Post(string path, string json) => new(HttpMethod.Post, path, json);

    private static string Text(string model) => JsonSerializer.Serialize(model);

    private static FrozenSet<string> Routes(params string[] paths) => FrozenSet.ToFrozenSet(paths);
}
