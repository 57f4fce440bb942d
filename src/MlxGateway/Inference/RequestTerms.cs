using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>Says on what terms a request wants its lease: whose it is, whether somebody waits for it, and how long its model is to stay.</summary>
internal static class RequestTerms
{
    /// <param name="context">The client's request.</param>
    /// <param name="request">Its body.</param>
    /// <param name="isBackground">Whether nobody waits for it.</param>
    /// <param name="known">The models.</param>
    /// <param name="backgroundModel">The id or alias of the stand-in for background work; null: there is none.</param>
    public static LeaseTerms Of(HttpContext context, InferenceRequest request, bool isBackground, CatalogSnapshot known, string? backgroundModel) => new()
    {
        IsBackground = isBackground,
        Client = ClientOf(context),
        KeepAlive = request.KeepAlive,
        StandIn = isBackground && backgroundModel is not null && known.Resolve(backgroundModel) is { Missing: null } standIn && context.Features.Get<ICaller>()?.MayUse(standIn) != false ? standIn : null,
    };

    // Only ever compared with another one, in memory: it may hold a key.
    private static string ClientOf(HttpContext context)
    {
        var headers = context.Request.Headers;
        return $"{context.Connection.RemoteIpAddress}|{headers.Authorization}|{headers["x-api-key"]}|{headers["X-OpenWebUI-User-Id"]}|{headers["X-User"]}";
    }
}
