using MlxGateway.Admin.History;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin.LlamaSwap;

/// <summary>Models and requests as llama-swap would show them.</summary>
internal static class SwapView
{
    /// <summary>Every model that the caller may use.</summary>
    public static IReadOnlyList<SwapModel> Models(CatalogSnapshot known, PoolSnapshot now, ICaller? caller)
    {
        var residents = now.Models.ToDictionary(static m => m.Id, static m => m.State, StringComparer.Ordinal);
        return
        [
            .. known.Models.Where(model => caller?.MayUse(model) != false)
                .OrderBy(static model => model.Id, StringComparer.Ordinal)
                .Select(model => new SwapModel(model.Id, model.Name ?? "", StateName(residents.GetValueOrDefault(model.Id), now.IsShuttingDown), model.Missing is not null, model.Aliases)),
        ];
    }

    /// <summary>What a request took.</summary>
    public static SwapMetric Metric(PastRequest request) => new(
        request.Number,
        request.At,
        request.Model ?? "",
        request.Route,
        request.Status,
        (long)Math.Round(request.TotalSeconds * 1000),
        new SwapTokens(request.CachedTokens ?? -1, request.PromptTokens ?? 0, request.CompletionTokens ?? 0, request.PromptTokensPerSecond ?? -1, request.TokensPerSecond ?? -1));

    // There a model whose launch failed is one that does not run, as before.
    private static string StateName(ResidentState state, bool isShuttingDown) => state switch
    {
        ResidentState.Launching => "starting",
        ResidentState.Ready => "ready",
        ResidentState.Draining or ResidentState.Stopping => "stopping",
        _ => isShuttingDown ? "shutdown" : "stopped",
    };
}
