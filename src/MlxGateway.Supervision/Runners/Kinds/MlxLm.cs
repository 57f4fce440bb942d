using System.Collections.Frozen;
using System.Globalization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Python's <c>mlx_lm.server</c> with one model, hosted by the companion that is shipped beside the gateway.</summary>
internal sealed class MlxLm(MlxLmEngine engine) : IRunnerKind
{
    /// <summary>The companion's exit code for an <c>mlx_lm</c> that it cannot host.</summary>
    private const int Unhostable = 74;

    // The companion's own. The plain server knows no secret.
    private const string SecretVariable = "MLXGATEWAY_RUNNER_SECRET";

    private static readonly string Companion = Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py");

    private static readonly FrozenSet<string> Offers = FrozenSet.ToFrozenSet(["/v1/chat/completions", "/v1/completions"]);

    /// <inheritdoc/>
    public string Name => KindNames.MlxLm;

    // Any other name makes it load that model beside our accounting. It closes each connection after one answer.
    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model)
    {
        var name = model.UpstreamModel ?? "default_model";
        return new RunnerManners(name, ReusesConnections: false) { Rules = model.Distributed is null ? MlxLmRules.All : MlxLmRules.OfRanks, EchoedModel = name, NamesReasoning = true, SaysNotFoundForAll = true, CountsOnlyIfAsked = true, ToolFormat = model.Facts?.UnreadCalls ?? ToolFormat.Native, TakesFunctionsOnly = true, IgnoresToolChoice = true, Offers = Offers };
    }

    /// <inheritdoc/>
    public async ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        var found = await engine.RequireReportAsync(cancellationToken);
        string[] arguments =
        [
            "--model", model.Path ?? throw new LaunchFailedException(model.Missing ?? $"Model '{model.Id}' has no folder."),
            "--host", "127.0.0.1",
            "--port", port.ToString(CultureInfo.InvariantCulture),
            "--max-tokens", MlxEnvironment.MaxTokens.ToString(CultureInfo.InvariantCulture),
            .. MlxLmShape.ArgumentsOf(model, shape),

            // What no page can be the origin of. Its default is every page; "null" would be what a sandboxed frame says.
            "--allowed-origins", "none",
            .. model.Args,
        ];
        var plain = new LaunchPlan
        {
            Executable = found.Path!,
            Arguments = ["-m", "mlx_lm", "server", .. arguments],
            Environment = MlxEnvironment.Offline(),
            ReadyPaths = ["/v1/models"],

            // It says that it is well before it has a model: only an answer proves that it can answer.
            Proof = ReadyProbe.OneToken("default_model"),
            Question = ReadyProbe.OneToken(MannersFor(model).UpstreamModel),
        };
        string[] hosted = [.. MlxLmShape.BoundsOf(model, shape), .. arguments];
        if (model.Distributed is { } distributed)
        {
            return MlxLmRanks.PlanOf(found, Companion, distributed, port, hosted) with { Secret = LaunchSecret.For(model, SecretVariable) };
        }

        return plain with
        {
            Arguments = [Companion, .. hosted],
            Secret = LaunchSecret.For(model, SecretVariable),
            ReadyPaths = ["/v1/models", "/gateway/ready"],
            Proof = null,
            Fallback = new LaunchFallback(Unhostable, plain),
            Spare = engine.KeepsSpare && IsLikeAnyOther(model) ? new SpareStart([Companion, "--spare"], hosted, found.Stamp ?? "") : null,
        };
    }

    // A process that waits has its environment and its folder already, and what it has imported may have read them.
    private static bool IsLikeAnyOther(ModelSpec model) => model.Env.Entries.Count == 0 && model.WorkingDirectory is null;
}
