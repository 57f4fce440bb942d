using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Python's <c>mlx_vlm.server</c> with one model, which may see and hear.</summary>
internal sealed class MlxVlm(MlxVlmEngine engine) : IRunnerKind
{
    private static readonly RequestRules MlxVlmRules = new(
    [
        new("messages", FieldShape.List) { RequiredOn = ["/v1/chat/completions"] },

        // Each would make it load something beside our accounting.
        new("adapter_path", FieldShape.Any) { IsDropped = true },
        new("draft_model", FieldShape.Any) { IsDropped = true },

        // Where they do not ask for the counts, the gateway does.
        new("stream_options", FieldShape.Map) { DroppedUnless = "include_usage" },
    ])
    {
        DropsNulls = true,
    };

    private static readonly FrozenSet<string> Offers = FrozenSet.ToFrozenSet(
    [
        "/v1/chat/completions", "/v1/responses", "/v1/responses/input_tokens", "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings", "/v1/rerank",
        "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/generations", "/v1/images/edits",
    ]);

    /// <inheritdoc/>
    public string Name => KindNames.MlxVlm;

    // It knows its model by the words of its command line; any others make it drop that model and load theirs. Connections are not reused: at the end it waits for whoever holds one.
    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model)
    {
        var name = model.UpstreamModel ?? model.Path ?? model.Id;
        return new RunnerManners(name, ReusesConnections: false) { Rules = MlxVlmRules, EchoedModel = name, AsksForStreams = true, CountsOnlyIfAsked = true, ToolFormat = model.Facts?.UnreadCalls ?? ToolFormat.Native, Offers = Offers };
    }

    /// <inheritdoc/>
    public async ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        var python = await engine.RequireAsync(cancellationToken);
        var args = new EngineArguments(model.Args);

        // The model's own length needs no saying.
        var limit = args.Has("--max-kv-size") || shape.Context == model.Facts?.ContextWindow ? null : shape.Context;
        return new LaunchPlan
        {
            Executable = python,
            Arguments =
            [
                "-m", "mlx_vlm.server",
                "--model", model.Path ?? throw new LaunchFailedException(model.Missing ?? $"Model '{model.Id}' has no folder."),
                "--host", "127.0.0.1",
                "--port", port.ToString(CultureInfo.InvariantCulture),
                .. limit is { } tokens ? ["--max-kv-size", Number(tokens)] : Array.Empty<string>(),
                .. shape.CacheFormat != CacheFormat.F16 && !args.Has("--kv-bits") ? ["--kv-bits", shape.CacheFormat == CacheFormat.Q8 ? "8" : "4"] : Array.Empty<string>(),
                .. model.Args,
            ],

            // The default of its --max-tokens: a version that has no such flag would die of it, and does not mind a variable.
            Environment = new Dictionary<string, string>(MlxEnvironment.Offline()) { ["MLX_VLM_MAX_TOKENS"] = Number(MlxEnvironment.MaxTokens) },

            // Everything that generates asks for it; what only tells, and its CORS for every page, have no switch.
            Secret = args.Has("--api-key") ? null : LaunchSecret.For(model, "MLX_VLM_SERVER_API_KEY"),

            // It loads before it listens, and ends if it cannot.
            ReadyPaths = ["/v1/models", "/health"],
            Question = new ReadyProbe(HttpMethod.Post, "/v1/chat/completions", $$"""{"model":{{JsonSerializer.Serialize(MannersFor(model).UpstreamModel)}},"messages":[{"role":"user","content":"hi"}],"max_tokens":1}"""),
        };
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
