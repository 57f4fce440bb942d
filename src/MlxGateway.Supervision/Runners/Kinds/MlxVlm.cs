using System.Globalization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Python's <c>mlx_vlm.server</c> with one model, hosted by the companion that is shipped beside the gateway: one that chats, and may see and hear, or one that makes vectors, ranks, speaks, writes down what is said, or makes images.</summary>
internal sealed class MlxVlm(MlxVlmEngine engine) : IRunnerKind
{
    private const string SecretVariable = "MLX_VLM_SERVER_API_KEY";
    private static readonly string Companion = Path.Combine(AppContext.BaseDirectory, "mlx_vlm_companion.py");

    /// <inheritdoc/>
    public string Name => KindNames.MlxVlm;

    // It knows its model by the words of its command line; any others make it drop that model and load theirs. Connections are not reused: at the end it waits for whoever holds one.
    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model)
    {
        var use = MlxVlmUse.Of(model);
        var name = NameOf(model);
        var manners = new RunnerManners(name, ReusesConnections: false) { Rules = new RequestRules(use.Rules) { DropsNulls = true }, EchoedModel = name, Offers = use.Offers };
        return use.For is not null ? manners : manners with { AsksForStreams = true, CountsOnlyIfAsked = true, ToolFormat = model.Facts?.UnreadCalls ?? ToolFormat.Native };
    }

    /// <inheritdoc/>
    public async ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        var found = await engine.RequireReportAsync(cancellationToken);
        var python = found.Path!;
        var use = MlxVlmUse.Of(model);
        if (found.Options?.Contains(use.Option) == false)
        {
            throw new LaunchFailedException($"Model '{model.Id}' {use.For}, and this mlx_vlm ({found.Version}) has no {use.Option}. A newer one comes with: {PythonPackages.Upgrade(python, "mlx-vlm")}");
        }

        var args = new EngineArguments(model.Args);
        var name = NameOf(model);
        var question = use.Question(name);
        var environment = new Dictionary<string, string>(MlxEnvironment.Offline());
        if (use.For is null)
        {
            // The default of its --max-tokens: a version that has no such flag would die of it, and does not mind a variable.
            environment["MLX_VLM_MAX_TOKENS"] = Number(MlxEnvironment.MaxTokens);
        }

        return new LaunchPlan
        {
            Executable = python,
            Arguments =
            [
                Companion,
                use.Option, model.Path ?? throw new LaunchFailedException(model.Missing ?? $"Model '{model.Id}' has no folder."),
                "--host", "127.0.0.1",
                "--port", port.ToString(CultureInfo.InvariantCulture),
                .. use.For is null ? CacheArguments(model, shape, args) : [],
                .. model.Args,
            ],
            Environment = environment,

            // The engine itself asks for it where it generates, and the companion for all else.
            Secret = args.Text("--api-key") is { Length: > 0 } own ? new LaunchSecret(SecretVariable, own) : LaunchSecret.For(model, SecretVariable),

            // It loads before it listens. If it cannot, it ends; without a model of another use it lives on.
            ReadyPaths = ["/v1/models", "/health"],
            Verdicts =
            [
                .. use.Group is { } group ? [new ReadyVerdict(new ReadyProbe(HttpMethod.Get, "/metrics"), (status, text) => MlxVlmWords.FaultOfMetrics(status, text, group))] : Array.Empty<ReadyVerdict>(),
                .. use.MustAnswer ? [new ReadyVerdict(question, MlxVlmWords.FaultOfAnswer)] : Array.Empty<ReadyVerdict>(),
            ],
            Advice = said => MlxVlmWords.Advice(said, python),
            Question = question,
        };
    }

    private static string NameOf(ModelSpec model) => model.UpstreamModel ?? model.Path ?? model.Id;

    private static string[] CacheArguments(ModelSpec model, LaunchShape shape, EngineArguments args)
    {
        // The model's own length needs no saying.
        var limit = args.Has("--max-kv-size") || shape.Context == model.Facts?.ContextWindow ? null : shape.Context;
        return
        [
            .. limit is { } tokens ? ["--max-kv-size", Number(tokens)] : Array.Empty<string>(),
            .. shape.CacheFormat != CacheFormat.F16 && !args.Has("--kv-bits") ? ["--kv-bits", shape.CacheFormat == CacheFormat.Q8 ? "8" : "4"] : Array.Empty<string>(),
        ];
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
