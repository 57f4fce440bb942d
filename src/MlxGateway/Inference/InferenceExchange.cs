using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>One client's request on its way through the house, from its arrival to its end. Belongs to that request alone.</summary>
internal sealed class InferenceExchange(HttpContext context, InferenceRoute route, ClientResponse response, RequestRecord record, long arrivedAt)
{
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

    /// <summary>Nobody wants the answer any more.</summary>
    public CancellationToken Left => Context.RequestAborted;
}
