using System.Collections.Frozen;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Python's <c>mlc_llm serve</c> with one model that was converted for it.</summary>
internal sealed class MlcLlm(MlcLlmEngine engine) : IRunnerKind
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly FrozenSet<string> Offers = FrozenSet.ToFrozenSet(["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]);

    /// <inheritdoc/>
    public string Name => KindNames.MlcLlm;

    // Whatever the name, the only model answers, and the answer names it as it was asked for. Connections are not reused: at the end it waits for whoever holds one.
    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model)
    {
        var name = model.UpstreamModel ?? model.Id;
        return new RunnerManners(name, ReusesConnections: false)
        {
            Rules = model.Mlc is { EnableDebug: true } ? MlcLlmRules.WithDebugging : MlcLlmRules.All,
            EchoedModel = name,
            CountsOnlyIfAsked = true,
            ToolFormat = model.Facts?.UnreadCalls ?? ToolFormat.Native,
            TakesFunctionsOnly = true,
            Offers = Offers,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        var folder = model.Path ?? throw new LaunchFailedException(model.Missing ?? $"Model '{model.Id}' has no folder.");
        if (MlcRules.Breach(model) is { } breach)
        {
            throw new LaunchFailedException(breach);
        }

        var python = await engine.RequireAsync(cancellationToken);
        return new LaunchPlan
        {
            Executable = python,
            Arguments = ["-m", "mlc_llm", "serve", .. MlcLlmArguments.Of(folder, model, shape, port), .. model.Args],
            Environment = Variables(),

            // It takes a key on its command line only, which everybody on the machine can read; so it is given none.
            Secret = null,

            // It loads before it listens.
            ReadyPaths = ["/v1/models"],
            ReadyWithin = Patience,
            Preparing = IsCompiling,
            Question = ReadyProbe.OneToken(MannersFor(model).UpstreamModel),
        };
    }

    // It compiles its model once on each machine, and says so before and after, for every model that it has.
    private static bool? IsCompiling(string line) =>
        line.Contains("Compiling using commands below", StringComparison.Ordinal) ? true
        : line.Contains("Using compiled model lib", StringComparison.Ordinal) ? false
        : null;

    private static Dictionary<string, string> Variables() => new()
    {
        // The model is on the disk: whatever is not there must be an error and not a download. Compiling for this machine is what the first launch is for.
        ["MLC_DOWNLOAD_CACHE_POLICY"] = "READONLY",
        ["HF_HUB_OFFLINE"] = "1",
        ["TRANSFORMERS_OFFLINE"] = "1",
        ["TOKENIZERS_PARALLELISM"] = "false",
        ["PYTHONUNBUFFERED"] = "1",
    };
}
