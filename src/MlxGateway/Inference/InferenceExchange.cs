using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>One client's request on its way through the house, from its arrival to its end. Belongs to that request alone.</summary>
internal sealed class InferenceExchange(HttpContext context, InferenceRoute route, ClientResponse response, RequestRecord record, long arrivedAt) : IDisposable
{
    private readonly CancellationTokenSource _left = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);

    /// <summary>The client's exchange.</summary>
    public HttpContext Context { get; } = context;

    /// <summary>The route that the request came by.</summary>
    public InferenceRoute Route { get; } = route;

    /// <summary>The only way to write to the client.</summary>
    public ClientResponse Response { get; } = response;

    /// <summary>What will be known of the request once it is over.</summary>
    public RequestRecord Record { get; } = record;

    /// <summary>When it came, as a timestamp of the clock.</summary>
    public long ArrivedAt { get; } = arrivedAt;

    /// <summary>What was sent. There once it has been read.</summary>
    public InferenceRequest Request { get; set; } = null!;

    /// <summary>The model that was asked for. There once its name was resolved; another one may stand in for it.</summary>
    public ModelSpec Model { get; set; } = null!;

    /// <summary>What the model is called here that was fetched for this request; null: none was, or it has the name that was asked for.</summary>
    public string? FetchedAs { get; set; }

    /// <summary>How long the model's download was waited for.</summary>
    public TimeSpan Fetching { get; set; }

    /// <summary>Whether the client wants a WebSocket, and its route can be one.</summary>
    public bool IsWebSocket { get; } = route.MayBeWebSocket
        && (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" })
        && (context.Request.Headers.Upgrade.Contains("websocket", StringComparer.OrdinalIgnoreCase) || HttpMethods.IsConnect(context.Request.Method));

    /// <summary>Its span; null where nobody traces.</summary>
    public Activity? Span { get; init; }

    /// <summary>How far it has come.</summary>
    public RequestStage Stage { get; set; }

    /// <summary>Nobody wants the answer any more: the client is gone, or somebody called the request off.</summary>
    public CancellationToken Left => _left.Token;

    /// <summary>Whether it was called off while its client is still there.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>Calls the request off. Its client is told.</summary>
    public void Cancel()
    {
        IsCancelled = true;
        try
        {
            _left.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was over in this very moment.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _left.Dispose();
}
